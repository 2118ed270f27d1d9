// SPDX-License-Identifier: Apache-2.0
/** The sensor and the real Collector: each way in takes all three signals whole, and what it wrote is what semconv/ says. */
import { afterEach, expect, it } from 'vitest'
import { checkConformance } from '../support/conformance.js'
import { freePorts } from '../support/free-ports.js'
import { capturePath, scenarios } from '../support/scenario.js'
import { killCollectors, makeFolder, startPlainCollector } from './support/collector.js'
import { killCommands, startCommand, type Ended } from './support/command.js'
import { describeCollector } from './support/describe.js'
import { readWritten, type Written } from './support/written.js'

const folders: ReturnType<typeof makeFolder>[] = []

afterEach(async () => {
  killCommands()
  await killCollectors()
  for (const folder of folders.splice(0)) folder.remove()
})

function newFolder(): string {
  const folder = makeFolder()
  folders.push(folder)
  return folder.path
}

function replayAll(env: Record<string, string>, stateDirectory: string): Promise<Ended> {
  const args = [
    'replay',
    ...scenarios.map(capturePath),
    '--export',
    'otlp',
    '--state-directory',
    stateDirectory,
  ]
  return startCommand(args, env).ended
}

/** Sent = written, nothing dropped, all of it as the table says. */
function expectWhole({ code, exported, dropped, output }: Ended, written: Written): void {
  expect(code, output).toBe(0)
  expect(exported).toEqual(written.items)
  expect(dropped).toEqual({})
  expect(Math.min(...Object.values(written.items))).toBeGreaterThan(0)
  expect(new Set(written.spanIds).size).toBe(written.items.traces)
  expect(written.logSpanIds.sort()).toEqual(written.spanIds.sort())
  expect(written.requests.flatMap((request) => checkConformance(request))).toEqual([])
}

describeCollector('all three signals arrive', () => {
  it.each([
    ['gRPC', 'grpc', {}],
    ['gRPC, gzip', 'grpc', { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
    ['HTTP/protobuf', 'http', {}],
    ['HTTP/protobuf, gzip', 'http', { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
    ['gRPC, messages included', 'grpc', { OISP_REDACTION_MODE: 'full' }],
  ])('over %s', async (_name, protocol, env) => {
    const folder = newFolder()
    const collector = await startPlainCollector({ folder })
    const ended = await replayAll(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol === 'grpc' ? 'grpc' : 'http/protobuf',
        ...env,
      },
      folder,
    )
    await collector.stop()
    expectWhole(ended, readWritten(folder))
  })
})

describeCollector('nobody listens', () => {
  it('says so, counts what is lost and ends with 1', async () => {
    const [port] = await freePorts(1)
    const { code, output, exported, dropped } = await replayAll(
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
      newFolder(),
    )
    expect(code).toBe(1)
    expect(output).toContain('ECONNREFUSED')
    expect(Object.keys(dropped)).toEqual(['shutdown'])
    expect(dropped['shutdown']).toBeGreaterThan(0)
    expect(exported).toEqual({})
  })
})
