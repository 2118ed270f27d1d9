// SPDX-License-Identifier: Apache-2.0
/** The whole way: an unmodified client, the real sensor with eBPF, the real Collector. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../live/support/until.js'
import { startFakeServer, type FakeServer } from '../server/start.mjs'
import { checkConformance } from '../support/conformance.js'
import { runWorkload } from '../workloads/run.mjs'
import { killCollectors, makeFolder, startPlainCollector } from './support/collector.js'
import { killCommands, startCommand } from './support/command.js'
import { describeLiveCollector } from './support/describe.js'
import { flatSpans, readWritten } from './support/written.js'

describeLiveCollector('oisp-sensor run', () => {
  let server: FakeServer
  const folder = makeFolder()
  beforeAll(async () => (server = await startFakeServer()) && undefined)
  afterAll(async () => {
    killCommands()
    await killCollectors()
    await server.stop()
    folder.remove()
  })

  it.each([
    ['curl', 'anthropic', 'grpc'],
    ['node-https', 'openai', 'http/protobuf'],
  ] as const)('sends what %s asks %s over %s', async (client, api, protocol) => {
    const collector = await startPlainCollector({ folder: folder.path })
    const sensor = startCommand(['run', '--export', 'otlp', '--flush-interval', '100'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OISP_STATE_DIRECTORY: folder.path,
    })
    await until('the sensor to be ready', () => sensor.output().includes('is ready') || undefined, 30_000)
    const model = `asked-by-${client}`
    const { exitCode, stderr } = await runWorkload(client, ['--api', api, '--stream', '--model', model], {
      url: server.baseUrl,
      caFile: server.caFile,
    })
    expect(exitCode, stderr).toBe(0)
    await until('the span', () => namesOf(folder.path).includes(`chat ${model}`) || undefined)
    sensor.interrupt()
    const ended = await sensor.ended
    await collector.stop()
    const written = readWritten(folder.path)
    expect(ended.code, ended.output).toBe(0)
    expect(ended.dropped).toEqual({})
    expect(namesOf(folder.path).filter((name) => name === `chat ${model}`)).toHaveLength(1)
    expect(written.requests.flatMap((request) => checkConformance(request))).toEqual([])
  })
})

const namesOf = (folder: string): string[] => flatSpans(readWritten(folder)).map(({ name }) => name)
