// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor run` and `record`. In: live records. Out: telemetry at its destinations, a block when ready, a summary at the end.
 * @module
 */
import type { Config } from '../config/index.js'
import type { OperationalLog } from '../log.js'
import { loadThirdParties } from '../exporter/index.js'
import { createPipeline } from '../pipeline.js'
import { probeSystem, readHostHeader, type LiveReceiver } from '../receiver/index.js'
import { createBudget, createStats } from '../stats.js'
import { readyBlock, summaryBlock } from './blocks.js'
import { deliveryExitCode } from './delivery.js'
import { withHealth } from './health.js'
import { watch } from './live.js'
import { say } from './output.js'
import { createExporterSlot } from './exporter-slot.js'
import { createLogCopy } from './log-copy.js'
import { createSensorResource, observeSelf, readCapture, type SelfSettings } from './own.js'
import { requirePermission } from './problems.js'
import { createSelfCheck } from './self-check/index.js'
import { markQueue, openQueue } from './queue.js'
import { createReload } from './reload.js'
import { reloadOnHangup, remainingFlushMs } from './stopping.js'
import { createTally } from './tally.js'
import { countTargets } from './targets.js'
import { createPipelineSettings, describeDestinations, readKey } from './telemetry.js'

export interface RunSettings {
  config: Config
  /** Reads the same again, on SIGHUP. */
  readConfig(): Config
  version: string
  log: OperationalLog
  /** `record`: a file instead of the screen and the network; then every other word is on standard error. */
  output?: string | undefined
  onError(error: unknown): void
}

/** 0, or 1 when telemetry was not accepted. Throws SensorError when capture cannot start. */
export async function runLive(settings: RunSettings): Promise<0 | 1> {
  const { config, version, log, output, onError } = settings
  const system = probeSystem()
  requirePermission(system)
  const print = output === undefined ? printResult : say
  const stats = createStats()
  const header = readHostHeader(`oisp-sensor ${version}`)
  const resource = createSensorResource(config, version)
  // First, because a refused module must not leave a disk queue open.
  const parties = await loadThirdParties(output === undefined ? config.modules : [])
  const queue = await openQueue({ ...settings, stats })
  const exporter = createExporterSlot({ ...settings, stats, queue, parties })
  const isReported = hasOwnTelemetry(settings)
  const logCopy = isReported ? createLogCopy({ ...settings, resource, stats }, exporter) : undefined
  await logCopy?.switchTo(config)
  for (const warning of config.warnings) log.warn(warning)
  const pipelineSettings = {
    ...createPipelineSettings({ ...settings, stats }, readKey(settings), header),
    resource,
    redactionMode: () => redactionMode,
  }
  let { redactionMode } = config
  const replaceExporter = (next: Config): void => {
    if (queue !== undefined) markQueue({ ...next, diskQueue: config.diskQueue })
    exporter.replace(next)
    // A certificate may be half replaced by now. Capture and everything else goes on.
    logCopy?.switchTo(next).catch((error: unknown) => {
      log.warn(`the log is not exported until the next reload: ${errorText(error)}`)
    })
  }
  const setRedactionMode = (mode: Config['redactionMode']): void => void (redactionMode = mode)
  if (config.configFile !== undefined && output === undefined)
    reloadOnHangup(createReload({ ...settings, replaceExporter, setRedactionMode }))
  let receiver: LiveReceiver | undefined
  const own: SelfSettings = {
    ...pipelineSettings,
    intervalMs: config.metricIntervalMs,
    receiver: () => receiver,
  }
  const tally = createTally(isReported ? observeSelf(own, exporter) : exporter)
  const selfCheck = createSelfCheck(createPipeline(pipelineSettings, tally), (sink) =>
    createPipeline({ ...pipelineSettings, stats: createStats(), budget: createBudget() }, sink),
  )
  let selfCheckFailure: string | undefined
  const onRunning = async (running: LiveReceiver): Promise<void> => {
    receiver = running
    // A recorder's file is to hold what others did.
    const result = output === undefined ? await selfCheck.perform() : undefined
    if (result?.isOk === false) selfCheckFailure = result.text
    const counts = countTargets(running.targets())
    const destinations = describeDestinations({ config, output })
    if (isReported)
      log.info(`capture has begun: ${counts.hooked} processes with TLS hooked, ${counts.blind} blind`)
    const attachedFiles = running.attachedFiles()
    print(
      readyBlock({ version, system, counts, attachedFiles, selfCheck: result, redactionMode, destinations }),
    )
  }
  const onRenew = (path: string): void =>
    log.debug(`${path} was written in place: calls are not seen until its new functions have their probes`)
  const live = { stats, ringBytes: config.ringBytes, onError, onRenew }
  const readings = () => ({ capture: readCapture(receiver), selfCheckFailure, sinks: exporter.readHealth() })
  await withHealth(config.healthSocket, readings, () => watch(live, header, selfCheck.consumer, onRunning))
  if (isReported) log.info('capture has ended')
  const leftMs = remainingFlushMs()
  await Promise.all([logCopy?.shutdown(leftMs), exporter.shutdown(leftMs)])
  const counters = stats.snapshot()
  const summary = { exchanges: tally.exchanges(), counters }
  print(summaryBlock('oisp-sensor has stopped', summary))
  return deliveryExitCode(counters)
}

/** A recorder's file is to hold what others did. */
function hasOwnTelemetry({ config, output }: RunSettings): boolean {
  return output === undefined && config.hasOwnTelemetry
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function printResult(text: string): void {
  process.stdout.write(`${text}\n`)
}
