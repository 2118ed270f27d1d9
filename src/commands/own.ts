// SPDX-License-Identifier: Apache-2.0
/**
 * What the sensor says of itself, wired for a live command: who it is, and what its counters are read from. In: the
 * configuration, the exporter, the receiver once there is one. Out: a consumer to stand before the exporter. Replay has none of
 * it: a recording played twice gives the same telemetry.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { arch, hostname, release } from 'node:os'
import type { Config } from '../config/index.js'
import type { Consumer } from '../consumer.js'
import type { Exporter } from '../exporter/index.js'
import {
  createHealth,
  toOwnScope,
  toSensorResource,
  type CaptureHealth,
  type OwnTelemetry,
  type ProcessUsage,
} from '../health/index.js'
import { exportLog, type LogExport, type OperationalLog } from '../log.js'
import type { LiveReceiver } from '../receiver/index.js'
import type { Budget, Stats } from '../stats.js'
import { countTargets } from './targets.js'

export type SensorResource = OwnTelemetry['resource']

/** A new instance each time: call it once per process. */
export function createSensorResource(
  { resourceAttributes }: Pick<Config, 'resourceAttributes'>,
  version: string,
): SensorResource {
  return toSensorResource({
    version,
    instanceId: randomUUID(),
    pid: process.pid,
    hostName: hostname(),
    architecture: arch(),
    kernelRelease: release(),
    operatorAttributes: resourceAttributes,
  })
}

export interface LogSettings {
  config: Pick<Config, 'destinations'>
  log: OperationalLog
  version: string
  resource: SensorResource
  stats: Stats
}

/**
 * The operational log goes where log records go. Over gRPC through the official exporter; that package speaks nothing else, so
 * over HTTP the lines take the way of the sensor's metrics. Nothing when logs are not exported.
 */
export async function copyLog(settings: LogSettings, exporter: Exporter): Promise<LogExport> {
  const { config, log, version, resource, stats } = settings
  const destination = config.destinations.find(({ signal }) => signal === 'logs')
  const scope = toOwnScope(version)
  if (destination?.protocol === 'grpc') return exportLog({ log, destination, resource, scope, stats })
  if (destination !== undefined)
    log.copyTo((line) => {
      const timeUnixNano = BigInt(Date.now()) * 1_000_000n
      const logRecords = [{ ...line, timeUnixNano, attributes: {} }]
      const startUnixNano = timeUnixNano
      exporter.consumeOwn({ resource, scope, startUnixNano, timeUnixNano, metrics: [], logRecords })
    })
  return {
    // What an exporter says while it ends would come too late for itself.
    shutdown: async () => log.copyTo(undefined),
  }
}

export interface SelfSettings {
  intervalMs: number
  version: string
  resource: SensorResource
  stats: Stats
  budget: Budget
  receiver(): LiveReceiver | undefined
}

type Captured = Parameters<Exporter['consume']>[0]

export function observeSelf(settings: SelfSettings, exporter: Exporter): Consumer<Captured> {
  const { intervalMs, version, resource, stats, budget, receiver } = settings
  return createHealth<Captured>(
    {
      intervalMs,
      version,
      resource,
      startUnixNano: BigInt(Math.round(Date.now() - process.uptime() * 1000)) * 1_000_000n,
      read: () => ({
        counters: stats.snapshot(),
        budget,
        sinks: exporter.readHealth(),
        capture: readCapture(receiver()),
        usage: readUsage(),
      }),
    },
    exporter,
  )
}

export function readCapture(receiver: LiveReceiver | undefined): CaptureHealth | undefined {
  if (receiver === undefined) return undefined
  const { transfers, bytes, calls, duplicateCalls, orphanReturns } = receiver.stats()
  const { hooked, blind } = countTargets(receiver.targets())
  return {
    transfers,
    bytes,
    probeHits: calls,
    repeatedCalls: duplicateCalls,
    orphanedReturns: orphanReturns,
    attachedFiles: receiver.attachedFiles().length,
    hookedProcesses: hooked,
    blindProcesses: blind,
  }
}

function readUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage()
  return {
    userCpuMicros: user,
    systemCpuMicros: system,
    residentBytes: process.memoryUsage.rss(),
    uptimeSeconds: process.uptime(),
  }
}
