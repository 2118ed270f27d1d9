// SPDX-License-Identifier: Apache-2.0
/**
 * A real Phoenix as a child process, with an empty database. In: its program. Out: where it takes OTLP, and what its REST API says of
 * the spans it has. Knows nothing of the sensor.
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../live/support/until.js'
import { freePorts } from '../../support/free-ports.js'
import { poll } from '../../support/poll.js'

export interface PhoenixSpan {
  name: string
  context: { trace_id: string; span_id: string }
  /** What Phoenix takes it for: LLM, TOOL, AGENT, UNKNOWN and others. */
  span_kind: string
  status_code: string
  attributes: Record<string, unknown>
}

export interface Phoenix {
  url: string
  grpcUrl: string
  /** Resolves once it has that many spans for which `isWanted` holds. */
  spans(count: number, isWanted: (span: PhoenixSpan) => boolean): Promise<PhoenixSpan[]>
  /** The page of a trace. */
  pageOf(span: PhoenixSpan): Promise<string>
  stop(): Promise<void>
}

export async function startPhoenix(program: string): Promise<Phoenix> {
  const folder = mkdtempSync(join(tmpdir(), 'oisp-phoenix-'))
  const [port, grpcPort] = await freePorts(2)
  const child = spawn(program, ['serve'], {
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: folder,
      PHOENIX_WORKING_DIR: folder,
      PHOENIX_HOST: '127.0.0.1',
      PHOENIX_PORT: String(port),
      PHOENIX_GRPC_PORT: String(grpcPort),
      PHOENIX_TELEMETRY_ENABLED: 'false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text))
  const exited = once(child, 'exit')
  const isUp = (): true | undefined => {
    if (child.exitCode !== null) throw new Error(`Phoenix ended:\n${log}`)
    return log.includes('Uvicorn running') || undefined
  }
  await until('Phoenix to serve', isUp, 150_000)
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    grpcUrl: `http://127.0.0.1:${grpcPort}`,
    spans: (count, isWanted) =>
      poll(`${count} spans in Phoenix`, async () => {
        const found = (await readSpans(url)).filter(isWanted)
        return found.length >= count ? found : undefined
      }),
    async pageOf({ context }) {
      const { data } = (await readJson(`${url}/v1/projects`)) as { data: { name: string; id: string }[] }
      const { id } = data.find(({ name }) => name === 'default')!
      return `${url}/projects/${id}/traces/${context.trace_id}`
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The project exists only once it has a span. */
async function readSpans(url: string): Promise<PhoenixSpan[]> {
  const response = await fetch(`${url}/v1/projects/default/spans?limit=1000`)
  return response.ok ? ((await response.json()) as { data: PhoenixSpan[] }).data : []
}

async function readJson(url: string): Promise<unknown> {
  return (await fetch(url)).json()
}
