// SPDX-License-Identifier: Apache-2.0
/**
 * Unmodified clients under the real sensor: every byte equals the server's, exactly one span each, whole, of the right
 * process. What a client itself saw is checked too: the sensor must not disturb it.
 * @module
 */
import { afterEach, beforeAll, expect, test } from 'vitest'
import type { FakeServer } from '../server/start.mjs'
import { ensurePythonPackages, runWorkload, type ClientName, type Report } from '../workloads/run.mjs'
import { expectBytesEqual, expectOneSpanEach, observe, pidsOf, type Observation } from './support/observe.js'
import type { FlatSpan } from './support/otlp.js'
import { describeLive } from './support/permitted.js'
import { killSensors } from './support/sensor.js'

afterEach(killSensors)

interface Case {
  args?: string[]
  /** Statuses the client must have seen, one per call. Default: one 200. */
  statuses?: (number | undefined)[]
  errorType?: string
}

async function runCase(client: ClientName, { args = [], statuses = [200], errorType }: Case): Promise<void> {
  let reports: Report[] = []
  const observation = await observe(async (server) => {
    const options = { url: server.baseUrl, caFile: server.caFile }
    const result = await runWorkload(client, args, options)
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    reports = result.reports
  })
  expect(reports.flatMap(({ calls }) => calls.map(({ status }) => status))).toEqual(statuses)
  expectAll(observation, pidsOf(reports), errorType)
}

function expectAll(observation: Observation, pids: number[], errorType?: string): void {
  expectBytesEqual(observation, pids)
  expectOneSpanEach(observation, pids, errorType === undefined ? {} : { errorType })
}

const repeat = (count: number): number[] => Array.from({ length: count }, () => 200)

/** For both SDK families: the same five stories. */
const SDK_CASES: [string, Case][] = [
  ['plain', {}],
  ['stream', { args: ['--stream', '--model', 'fake-events200'] }],
  ['tools', { args: ['--tools', '--model', 'fake-tools2'] }],
  ['streamed tools', { args: ['--stream', '--tools', '--model', 'fake-tools2'] }],
]
const ABORT = ['--stream', '--abort-after', '5', '--model', 'fake-forever-pace5']

describeLive('curl', () => {
  test(
    '100 fresh processes',
    () => runCase('curl', { args: ['--calls', '100'], statuses: repeat(100) }),
    240_000,
  )
  test('anthropic, streamed', () =>
    runCase('curl', { args: ['--api', 'anthropic', '--stream', '--model', 'fake-events20'] }))
  test.each(['gzip', 'br', 'deflate'])('a %s answer, plain and streamed', async (coding) => {
    await runCase('curl', { args: ['--model', `fake-${coding}`, '--', '--compressed'] })
    await runCase('curl', { args: ['--stream', '--model', `fake-${coding}`, '--', '--compressed'] })
  })
  test('CJK and emoji in chunks that end inside characters', () =>
    runCase('curl', { args: ['--stream', '--prompt', '観測 🚀 é', '--model', 'fake-cjk-split'] }))
})

describeLive('an HTTPS proxy (TLS in TLS)', () => {
  test('both sessions are captured, one span', async () => {
    let reports: Report[] = []
    const observation = await observe(async (server: FakeServer) => {
      const proxy = ['--', '--proxy', server.proxyUrl, '--proxy-cacert', server.caFile]
      const args = ['--stream', '--model', 'fake-events20', ...proxy]
      reports = (await runWorkload('curl', args, { url: server.baseUrl, caFile: server.caFile })).reports
    })
    expect(reports[0]?.calls).toMatchObject([{ status: 200 }])
    expect(observation.truth.connections.map(({ listener }) => listener).sort()).toEqual(['near', 'proxy'])
    expectAll(observation, pidsOf(reports))
  })
})

describeLive('node', () => {
  test('https, keep-alive', () => runCase('node-https', { args: ['--calls', '5'], statuses: repeat(5) }))
  test('fetch', () => runCase('node-fetch', { args: ['--stream', '--model', 'fake-events20'] }))
  test('50 concurrent calls on one loop', () =>
    runCase('node-fetch', { args: ['--calls', '50', '--concurrency', '50'], statuses: repeat(50) }))
  test('pipelined requests, with HEAD, 204 and Expect among them', () =>
    runCase('node-pipeline', { args: ['--calls', '3', '--model', 'fake-extensions'], statuses: [undefined] }))
  test('100 KB in one write', () => runCase('node-https', { args: ['--prompt-bytes', '100000'] }))
  test('5 MB up', () => runCase('node-https', { args: ['--prompt-bytes', '5000000'] }))
  test('20 MB down', () => runCase('node-https', { args: ['--model', 'fake-bytes20000000'] }))
  test('20 MB down, streamed', () =>
    runCase('node-https', { args: ['--stream', '--model', 'fake-bytes20000000-events2000'] }))
  test('leaves a stream', () =>
    runCase('node-https', {
      args: ['--stream', '--abort-after', '3', '--model', 'fake-forever-pace5'],
      errorType: 'cancelled',
    }))
})

for (const sdk of ['openai', 'anthropic'] as const)
  describeLive(`the ${sdk} package from npm`, () => {
    test.each(SDK_CASES)('%s', (_title, story) => runCase(sdk, story))
    test('429', () =>
      runCase(sdk, {
        args: ['--model', 'fake-status429'],
        statuses: [429],
        errorType: sdk === 'openai' ? 'rate_limit_exceeded' : 'rate_limit_error',
      }))
    test('the client leaves', () =>
      runCase(sdk, { args: ABORT, statuses: [sdk === 'openai' ? 200 : undefined], errorType: 'cancelled' }))
  })

describeLive('python3', () => {
  test('urllib', () => runCase('python-urllib', { args: ['--calls', '3'], statuses: repeat(3) }))
  test('urllib, 5 MB up', () => runCase('python-urllib', { args: ['--prompt-bytes', '5000000'] }))
  test('16 threads', () => runCase('python-threads', { args: ['--calls', '16'], statuses: repeat(16) }))
  test('fork after the handshake', () => runCase('python-fork', {}))
})

describeLive('python3 with packages of PyPI', () => {
  // Without the package index this fails, and says so: a clone that cannot run it has not been tested.
  beforeAll(ensurePythonPackages)

  test('httpx', () => runCase('python-httpx', { args: ['--calls', '3'], statuses: repeat(3) }))
  test('httpx leaves a stream', () => runCase('python-httpx', { args: ABORT, errorType: 'cancelled' }))
  test.each(['python-openai', 'python-anthropic'] as const)('%s, plain and streamed', async (sdk) => {
    await runCase(sdk, {})
    await runCase(sdk, { args: ['--stream', '--model', 'fake-events20'] })
  })
})

describeLive('replay', () => {
  test('of the raw recording says what the live pipeline said', async () => {
    const { spans, replayedSpans, ports } = await observe(
      async ({ baseUrl, caFile }) => {
        for (const [client, ...args] of REPLAYED) await runWorkload(client, args, { url: baseUrl, caFile })
      },
      { isReplayed: true },
    )
    // Others on this machine may speak with providers as well.
    const isOurs = ({ attributes }: FlatSpan): boolean => ports.includes(Number(attributes['server.port']))
    const live = spans.filter(isOurs)
    expect(live).toHaveLength(REPLAYED.length)
    expect(replayedSpans.filter(isOurs).map(comparable).sort()).toEqual(live.map(comparable).sort())
  })
})

const REPLAYED: [ClientName, ...string[]][] = [
  ['openai', '--stream', '--tools', '--model', 'fake-tools2'],
  ['anthropic', '--model', 'fake-cached'],
  ['curl', '--model', 'fake-status429'],
  ['python-urllib', '--stream', '--model', 'fake-cjk'],
]

/** Two sensors see a call at two moments: ids and durations are made from those and differ. */
function comparable({ name, statusCode, attributes, resource }: FlatSpan): string {
  const kept = Object.entries(attributes).filter(([key]) => !key.includes('time'))
  return JSON.stringify([name, statusCode, kept.sort(), Object.entries(resource).sort()])
}
