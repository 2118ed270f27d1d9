// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createStats } from '../stats.js'
import { openAttachedFile, type AttachedFile } from './attached-file.js'
import { planAttach } from './attach.js'
import { identifyFile } from './host.js'
import type { InspectedImage } from './images.js'

let folder: string
let path: string
let functions: Record<string, number>
let file: AttachedFile

const inspect = (opened: string): InspectedImage => ({
  ...identifyFile(opened),
  isElf: true,
  buildId: '',
  functions,
})

function open(inode = identifyFile(path).inode): AttachedFile {
  const plan = planAttach(inspect(path))
  if (plan.action !== 'attach') throw new Error(plan.action)
  const { device } = identifyFile(path)
  return openAttachedFile(
    { path, device, inode, cookie: 1n, functions: plan.functions },
    inspect,
    createStats(),
    () => undefined,
  )
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-attached-'))
  path = join(folder, 'liba.so')
  functions = { SSL_read: 64, SSL_write: 128 }
  writeFileSync(path, Buffer.alloc(4096, 0x90))
  file = open()
})
afterEach(() => {
  file.close()
  rmSync(folder, { recursive: true })
})

it('is intact after all that writes nothing: touch, chmod, a link made and removed', () => {
  utimesSync(path, 1, 1)
  chmodSync(path, 0o755)
  linkSync(path, `${path}.bak`)
  unlinkSync(`${path}.bak`)
  expect(file.isIntact()).toBe(true)
})

it('is not intact with another instruction under a probe, whatever its times say', () => {
  const { atime, mtime } = statSync(path)
  const fd = openSync(path, 'r+')
  writeSync(fd, Buffer.of(0xcc), 0, 1, 128)
  closeSync(fd)
  utimesSync(path, atime, mtime)
  expect(file.isIntact()).toBe(false)
})

it('is not intact with its functions elsewhere, or with one more', () => {
  functions = { SSL_read: 64, SSL_write: 256 }
  expect(file.isIntact()).toBe(false)
  functions = { SSL_read: 64, SSL_write: 128, SSL_free: 256 }
  expect(file.isIntact()).toBe(false)
})

it('is not intact when it was cut short', () => {
  writeFileSync(path, '')
  expect(file.isIntact()).toBe(false)
})

it('is the same file under another name, and unlinked only when the last one has gone', () => {
  linkSync(path, `${path}.bak`)
  unlinkSync(path)
  expect(file.isUnlinked()).toBe(false)
  unlinkSync(`${path}.bak`)
  writeFileSync(path, 'another')
  expect(file.isUnlinked()).toBe(true)
  expect(file.isIntact()).toBe(true)
})

it('refuses another file in its place', () => {
  expect(() => open(1n)).toThrow(/another file/)
})
