// SPDX-License-Identifier: Apache-2.0
/** Law: what the workloads typed as secrets and prompts stands in no telemetry of the default mode, and credentials in none. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { goldenPath, playToCollector, readCapture, scenarios } from './support/scenario.js'

const KEY = 'sk-canary-0123456789abcdef'
const CONTENT = 'canary-'

/** Every byte that would leave, as text: a canary is ASCII and protobuf does not disguise it. */
async function sentText(name: string, mode: 'safe' | 'full'): Promise<string> {
  const { requests } = await playToCollector(readCapture(name), mode)
  expect(requests.length).toBeGreaterThan(0)
  return requests.map(({ body }) => Buffer.from(body).toString('latin1')).join('\n')
}

describe('secrets', () => {
  it.each(scenarios)('%s was recorded with its canaries', (name) => {
    const sent = readCapture(name).records.flatMap((record) =>
      record.kind === 'data' ? [Buffer.from(record.bytes).toString('latin1')] : [],
    )
    expect(sent.join('')).toContain(KEY)
    expect(sent.join('')).toContain(CONTENT)
  })

  it.each(scenarios)('%s: neither key nor content leaves in safe mode', async (name) => {
    const text = await sentText(name, 'safe')
    expect(text).not.toContain(KEY)
    expect(text).not.toContain(CONTENT)
  })

  it.each(scenarios)('%s: no golden holds one', (name) => {
    if (!existsSync(goldenPath(name))) throw new Error('no golden: `npm run golden`')
    const golden = readFileSync(goldenPath(name), 'utf8')
    expect(golden).not.toContain(KEY)
    expect(golden).not.toContain(CONTENT)
  })

  it('the test can fail: full mode sends content, and the key still does not leave', async () => {
    const text = await sentText('openai-chat-plain-node', 'full')
    expect(text).toContain(CONTENT)
    expect(text).not.toContain(KEY)
  })
})
