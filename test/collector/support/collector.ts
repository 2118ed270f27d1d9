// SPDX-License-Identifier: Apache-2.0
/**
 * The real Collector as a child process. In: configurations and their environment. Out: a handle that knows when it serves, and what
 * it has written to its files so far. Reads what the Collector wrote; knows nothing of who sent it.
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../live/support/until.js'
import { freePorts } from '../../support/free-ports.js'
import { collectorBinary } from './describe.js'

export interface RealCollector {
  pid(): number
  log(): string
  /** SIGKILL, by pid: nothing of it runs any more. */
  kill(): Promise<void>
  /** Again with the same configuration and ports. */
  start(): Promise<void>
  /** SIGTERM: it writes out what it holds. */
  stop(): Promise<void>
}

const READY = 'Everything is ready'
const running = new Set<RealCollector>()

/** Resolves when it serves. Every variable of `env` is seen by `${env:...}`, and nothing else is. */
export async function startCollector(
  configs: readonly string[],
  env: Record<string, string> = {},
): Promise<RealCollector> {
  const args = configs.flatMap((path) => ['--config', path])
  let child: ChildProcess | undefined
  let log = ''
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  const collector: RealCollector = {
    pid: () => child!.pid!,
    log: () => log,
    kill: () => end('SIGKILL'),
    async start() {
      const begin = log.length
      const started = spawn(collectorBinary(), args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
      child = started
      started.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
      await until('the Collector to serve', () => {
        if (started.exitCode !== null) throw new Error(`the Collector ended: ${log.slice(begin)}`)
        return log.includes(READY, begin) || undefined
      })
    },
    async stop() {
      running.delete(collector)
      await end('SIGTERM')
    },
  }
  running.add(collector)
  await collector.start()
  return collector
}

/** For `afterEach`: a failed test must not leave its Collector to the next. */
export async function killCollectors(): Promise<void> {
  await Promise.all([...running].map((collector) => collector.kill()))
  running.clear()
}

export function makeFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'oisp-collector-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export interface PlainCollector extends RealCollector {
  grpcUrl: string
  httpUrl: string
  folder: string
}

export interface PlainSettings {
  /** Folder of the output files and of the configuration. */
  folder: string
  /** Added to both protocols of the receiver. */
  server?: object
  /** Added to gRPC's. */
  grpc?: object
}

/**
 * A Collector that writes what it gets to a file per signal. With `rotation` the file exporter writes through to the file before it
 * answers (without it, it buffers): what was acknowledged is on the file, even when the process is killed right then.
 */
export async function startPlainCollector(settings: PlainSettings): Promise<PlainCollector> {
  const [grpcPort, httpPort] = await freePorts(2)
  const signals = ['traces', 'logs', 'metrics']
  const config = {
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: `127.0.0.1:${grpcPort}`, ...settings.server, ...settings.grpc },
          http: { endpoint: `127.0.0.1:${httpPort}`, ...settings.server },
        },
      },
    },
    exporters: Object.fromEntries(
      signals.map((signal) => [
        `file/${signal}`,
        { path: join(settings.folder, `${signal}.jsonl`), rotation: { max_megabytes: 100_000 } },
      ]),
    ),
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: Object.fromEntries(
        signals.map((signal) => [signal, { receivers: ['otlp'], exporters: [`file/${signal}`] }]),
      ),
    },
  }
  const path = join(settings.folder, 'collector.json')
  writeFileSync(path, JSON.stringify(config))
  const collector = await startCollector([path])
  const scheme = settings.server !== undefined && 'tls' in settings.server ? 'https' : 'http'
  return Object.assign(collector, {
    grpcUrl: `${scheme}://localhost:${grpcPort}`,
    httpUrl: `${scheme}://localhost:${httpPort}`,
    folder: settings.folder,
  })
}
