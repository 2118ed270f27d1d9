// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createStats } from '../stats.js'
import { createAttachments } from './attachments.js'
import { identifyFile } from './host.js'

let folder: string
let path: string

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'oisp-attachments-')))
  path = join(folder, 'liba.so')
  writeFileSync(path, 'a')
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

/** One file with TLS functions, attached because this process has mapped it. */
function setUp() {
  const { inode } = identifyFile(path)
  const calls: string[] = []
  const stats = createStats()
  const file = { isIntact: true, isUnlinked: false, isTls: true, looks: 0, touch: () => undefined as void }
  const functions = { SSL_read: 64, SSL_write: 128 }
  const attachments = createAttachments({
    stats,
    guard: (action) => action(),
    addon: {
      inspectElf(opened) {
        const found = identifyFile(opened)
        const isTls = found.inode === inode && file.isTls
        return { ...found, isElf: true, buildId: '', functions: isTls ? functions : {} }
      },
    },
    capture: {
      attach: ({ cookie }) => calls.push(`attach ${cookie}`),
      detach: (cookie) => void calls.push(`detach ${cookie}`),
      ignoreMapping: () => undefined,
      heedMappings: () => void calls.push('heed'),
    },
    openFile(request, _inspect, _stats, onEvent) {
      file.touch = onEvent
      return {
        path,
        isIntact() {
          file.looks++
          return file.isIntact || request.cookie > 1n
        },
        isUnlinked: () => file.isUnlinked,
        close: () => void calls.push(`close ${request.cookie}`),
      }
    },
  })
  attachments.onMapping({
    kind: 'mapping',
    pid: process.pid,
    address: 0n,
    length: 4096n,
    inode,
    inodeGeneration: 0n,
    deviceMajor: 8,
    deviceMinor: 1,
    path,
  })
  return { attachments, calls, file, stats }
}

it('leaves the probes in a file that was only touched, and looks once a second at it', () => {
  const { calls, file, stats } = setUp()
  for (let ms = 0; ms < 2500; ms++) {
    file.touch()
    vi.advanceTimersByTime(1)
  }
  expect(calls).toEqual(['attach 1'])
  expect(file.looks).toBe(3)
  expect(stats.get('attachments.renewed')).toBe(0)
})

it('sets the probes of a written file anew', () => {
  const { attachments, calls, file, stats } = setUp()
  file.isIntact = false
  file.touch()
  vi.advanceTimersByTime(1)
  expect(calls).toEqual(['attach 1', 'detach 1', 'attach 2', 'close 1'])
  expect(attachments.attachedFiles()).toEqual([path])
  expect(stats.get('attachments.renewed', 'file_changed')).toBe(1)
})

it('asks to be told of a file that is no TLS image while it is being written', () => {
  const { attachments, calls, file } = setUp()
  Object.assign(file, { isIntact: false, isTls: false })
  file.touch()
  vi.advanceTimersByTime(1)
  expect(calls).toEqual(['attach 1', 'detach 1', 'close 1', 'heed'])
  expect(attachments.attachedFiles()).toEqual([])
})

it('keeps the probes in a file that nobody uses, until no path leads to it', () => {
  const { attachments, calls, file, stats } = setUp()
  attachments.rescan()
  expect(calls).toEqual(['attach 1'])
  file.isUnlinked = true
  attachments.rescan()
  expect(calls).toEqual(['attach 1', 'close 1', 'detach 1', 'heed'])
  expect(attachments.attachedFiles()).toEqual([])
  expect(stats.get('attachments.removed', 'unlinked')).toBe(1)
})
