// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig, type Config } from '../config/index.js'
import { createStats } from '../stats.js'
import { openQueue } from './queue.js'

let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'oisp-queue-'))))
afterEach(() => rmSync(directory, { recursive: true }))

function setUp(redactionMode: Config['redactionMode']) {
  const flags = { queueDirectory: directory, redactionMode }
  const config = parseConfig({ flags, env: {}, userId: 0, isTerminal: false })
  const warnings: string[] = []
  const ignore = (): void => {}
  const log = { error: ignore, warn: (text: string) => void warnings.push(text), info: ignore, debug: ignore }
  const stats = createStats()
  return { stats, warnings, open: () => openQueue({ config, version: '0', stats, log }) }
}

async function fill(mode: Config['redactionMode']): Promise<void> {
  const queue = await setUp(mode).open()
  queue!.push({ signal: 'traces', body: Buffer.from('a prompt'), items: 3 })
  await queue!.close(5_000)
}

describe('the queue on disk', () => {
  it('is opened without destinations, which a reload may bring', async () => {
    const queue = await setUp('safe').open()
    expect(queue?.isDurable).toBe(true)
    await queue!.close(5_000)
  })

  it.each([
    ['full', 'safe', 0, 3],
    ['full', 'full', 3, 0],
    ['safe', 'safe', 3, 0],
    ['safe', 'full', 3, 0],
  ] as const)('filled in %s and opened in %s has %i items', async (before, now, waiting, dropped) => {
    await fill(before)
    const { open, stats, warnings } = setUp(now)
    const queue = (await open())!
    expect(queue.size('traces').items).toBe(waiting)
    expect(stats.get('exporter.items.dropped', 'redaction_changed')).toBe(dropped)
    expect(warnings).toHaveLength(dropped > 0 ? 1 : 0)
    await queue.close(5_000)
  })

  it('keeps what is safe after the rest was dropped', async () => {
    await fill('full')
    await fill('safe')
    const queue = (await setUp('safe').open())!
    expect(queue.size('traces').items).toBe(3)
    await queue.close(5_000)
  })

  it('takes no content where the mark cannot be set, and follows no link', async () => {
    symlinkSync(join(directory, 'elsewhere'), join(directory, 'redaction-full'))
    await expect(setUp('full').open()).rejects.toThrow('cannot be marked')
    expect(existsSync(join(directory, 'elsewhere'))).toBe(false)
  })
})
