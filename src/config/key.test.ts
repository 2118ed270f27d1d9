// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readOrCreateKey } from './key.js'

let folder: string
let state: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-key-'))
  state = join(folder, 'a', 'state')
  file = join(state, 'redaction.key')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('readOrCreateKey', () => {
  it('makes a key once, for its owner alone, and reads it again', () => {
    const first = readOrCreateKey(state)
    const second = readOrCreateKey(state)
    expect(first).toEqual(second)
    expect(first.key).toHaveLength(32)
    expect(first).not.toHaveProperty('reason')
    expect(statSync(state).mode & 0o777).toBe(0o700)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(state)).toEqual(['redaction.key'])
  })

  it('makes another one when it is gone', () => {
    const { key } = readOrCreateKey(state)
    rmSync(file)
    expect(readOrCreateKey(state).key).not.toEqual(key)
  })

  it.each([
    [0o640, 'can be read by others'],
    [0o604, 'can be read by others'],
    [0o620, 'can be read by others'],
  ])('refuses a key file of mode %o', (mode, message) => {
    readOrCreateKey(state)
    chmodSync(file, mode)
    expect(() => readOrCreateKey(state)).toThrow(message)
  })

  it.each([0o770, 0o777, 0o1777])('refuses a folder of mode %o, whose key could be replaced', (mode) => {
    mkdirSync(state, { recursive: true })
    chmodSync(state, mode)
    expect(() => readOrCreateKey(state)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_KEY', exitCode: 2 }),
    )
    expect(readdirSync(state)).toEqual([])
  })

  it('refuses links, directories and anything that is not 32 bytes', () => {
    mkdirSync(state, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'elsewhere'), Buffer.alloc(32), { mode: 0o600 })
    symlinkSync(join(folder, 'elsewhere'), file)
    expect(() => readOrCreateKey(state)).toThrow('symbolic link')
    rmSync(file)
    mkdirSync(file)
    expect(() => readOrCreateKey(state)).toThrow('not a regular file')
    rmSync(file, { recursive: true })
    for (const length of [0, 31, 33]) {
      writeFileSync(file, Buffer.alloc(length), { mode: 0o600 })
      expect(() => readOrCreateKey(state)).toThrow('not a key of 32 bytes')
    }
  })

  it('takes a key that another sensor made in the meantime', () => {
    mkdirSync(state, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'made'), Buffer.alloc(32, 7), { mode: 0o600 })
    linkSync(join(folder, 'made'), file)
    expect(Buffer.from(readOrCreateKey(state).key)).toEqual(readFileSync(file))
  })

  it('goes on with an ephemeral key, and says so, where nothing can be kept', () => {
    writeFileSync(join(folder, 'a'), 'a file, not a folder')
    const first = readOrCreateKey(state)
    const second = readOrCreateKey(state)
    expect(first.reason).toContain('ENOTDIR')
    expect(first.key).not.toEqual(second.key)
  })

  it.each(['/proc/oisp/state', '/etc/hostname', '/etc/hostname/state'])(
    'ends with an ephemeral key, and soon, in %s',
    (path) => {
      expect(readOrCreateKey(path).reason).toContain(`no key can be kept in ${path} (`)
    },
  )
})
