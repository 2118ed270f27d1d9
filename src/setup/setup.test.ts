// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writableByOthers } from './checkout.mjs'

const SETUP = join(import.meta.dirname, '../setup.mjs')
const RELAY = join(import.meta.dirname, 'relay.mjs')

function runNode(...args: string[]) {
  return spawnSync(process.execPath, args, { encoding: 'utf8' })
}

describe('setup', () => {
  it.each(['12.22.12', '18.20.4', '20.18.3'])('refuses Node %s and says what it needs', (version) => {
    const pretend = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"${version}"})`
    const { status, stderr } = runNode('--import', pretend, SETUP, 'start')
    expect(stderr).toContain('needs Node.js 20.19 or newer')
    expect(status).toBe(1)
  })

  it('answers an unknown word with 2', () => {
    expect(runNode(SETUP, 'strat').status).toBe(2)
  })
})

describe('what root would run', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'oisp-setup-'))
    mkdirSync(join(root, 'dist'), { mode: 0o755 })
    writeFileSync(join(root, 'dist/main.js'), '', { mode: 0o644 })
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is accepted where only its owner can change it', () => {
    expect(writableByOthers(root)).toBeUndefined()
  })

  it.each(['', 'dist', 'dist/main.js'])('is refused where others can change "%s"', (path) => {
    chmodSync(join(root, path), 0o777)
    expect(writableByOthers(root)).toBe(join(root, path))
  })
})

describe('the relay', () => {
  it('gives the program an environment that no command line shows, and its exit code', async () => {
    const program = 'console.log(JSON.stringify([process.env.OTEL_SECRET, process.env.OLD])); process.exit(7)'
    const relay = spawn(process.execPath, [RELAY, process.execPath, '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { OLD: 'stays behind' },
    })
    relay.stdin.write(`${JSON.stringify({ OTEL_SECRET: 'k' })}\n`)
    const [[text], [code]] = await Promise.all([once(relay.stdout, 'data'), once(relay, 'exit')])
    expect(JSON.parse(String(text))).toEqual(['k', null])
    expect(code).toBe(7)
  })

  it('ends the program when its starter is gone', async () => {
    const program =
      'process.on("SIGTERM", () => process.exit(5)); console.log("up"); setInterval(() => {}, 1000)'
    const relay = spawn(process.execPath, [RELAY, process.execPath, '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    relay.stdin.write('{}\n')
    await once(relay.stdout, 'data')
    relay.stdin.end()
    expect(await once(relay, 'exit')).toEqual([5, null])
  })
})
