// SPDX-License-Identifier: Apache-2.0
/** The sensor as a user starts it, with a collector: what it says of itself arrives, over gRPC and HTTP, as semconv/ has it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { SCHEMA_URL_CORE } from '../../src/semconv.js'
import { checkConformance } from '../support/conformance.js'
import { startGrpcCollector, startHttpCollector, type Collector } from '../support/collector.js'
import { decodeRequest, type CanonicalGroup } from '../support/otlp-sink.js'
import { describeLive } from './support/permitted.js'

const MAIN = process.env['OISP_TEST_MAIN'] ?? new URL('../../dist/main.js', import.meta.url).pathname

let collector: Collector | undefined
let sensor: ChildProcess | undefined

afterEach(async () => {
  sensor?.kill('SIGKILL')
  await collector?.stop()
})

/** Runs until its first own metrics are in, then ends it as Ctrl-C does. */
async function watchBriefly(args: readonly string[], to: Collector): Promise<void> {
  const child = spawn(process.execPath, [MAIN, 'run', '--otlp-endpoint', to.url, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
  })
  sensor = child
  const exited = once(child, 'exit')
  for (let seen = 1; !to.requests.some(({ signal }) => signal === 'metrics'); seen++)
    await Promise.race([to.received(seen), exited])
  child.kill('SIGINT')
  const [code] = (await exited) as [number | null]
  expect(code).toBe(0)
}

/** The scope of what the sensor says of itself is of the core conventions; GenAI telemetry's is not. */
function ownGroups(groups: readonly CanonicalGroup[]): CanonicalGroup[] {
  return groups.filter(({ scopeSchemaUrl }) => scopeSchemaUrl === SCHEMA_URL_CORE)
}

describeLive('the sensor with a collector', () => {
  it.each([
    ['grpc', startGrpcCollector],
    ['http/protobuf', startHttpCollector],
  ] as const)('reports its own work over %s, from its start to its end', async (protocol, start) => {
    collector = await start()
    await watchBriefly(['--otlp-protocol', protocol], collector)
    const violations = collector.requests.flatMap(({ signal, body }) =>
      checkConformance(decodeRequest(signal, body), { operatorKeys: ['deployment.environment.name'] }),
    )
    expect(violations).toEqual([])
    const own = ownGroups(collector.read().metrics)
    // One resource: the sensor that ran.
    expect(own).toHaveLength(1)
    expect(own[0]!.resource).toMatchObject({
      attributes: {
        'service.name': { stringValue: 'oisp-sensor' },
        'service.instance.id': { stringValue: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
        'process.pid': { intValue: String(sensor!.pid) },
        'deployment.environment.name': { stringValue: 'test' },
      },
    })
    const names = new Set(own[0]!.items.map(({ name }) => name))
    for (const name of [
      'process.cpu.time',
      'process.memory.usage',
      'process.uptime',
      'oisp.files.attached',
      'oisp.transfers.captured',
      'oisp.exporter.queue.usage',
      'otel.sdk.exporter.metric_data_point.exported',
    ])
      expect(names).toContain(name)
    const [log, ...others] = ownGroups(collector.read().logs)
    expect(others).toEqual([])
    expect(log!.resource).toEqual(own[0]!.resource)
    expect(log!.items.map(({ body }) => (body as { stringValue: string }).stringValue)).toEqual([
      expect.stringMatching(/^capture has begun: \d+ processes/),
      'capture has ended',
    ])
  })
})
