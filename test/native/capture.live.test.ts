// SPDX-License-Identifier: Apache-2.0
/** The addon's life: load, attach, close, again and again, under whatever build `OISP_ADDON_BUILD` names. Needs BPF. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadAddon } from '../../src/receiver/addon.js'
import { planAttach, WANTED_FUNCTIONS } from '../../src/receiver/attach.js'

const addon = loadAddon()
const path = process.execPath
const image = addon.inspectElf(path, WANTED_FUNCTIONS)
const plan = planAttach(image)
if (plan.action !== 'attach') throw new Error('node exports no TLS functions: nothing to test with')
const { functions } = plan
const { device, inode } = image

const openFds = (): number => readdirSync('/proc/self/fd').length
const openCapture = () => new addon.Capture({ ringBytes: 65536, wakeupBytes: 16384 })

describe('native capture', () => {
  it('leaves nothing behind: 20 lives with probes need no more descriptors than one', async () => {
    const fds: number[] = []
    for (let i = 0; i < 20; i++) {
      const capture = openCapture()
      capture.load()
      expect(capture.attach({ path, device, inode, cookie: 1n, functions })).toBeGreaterThan(functions.length)
      capture.start(() => undefined)
      await capture.close()
      fds.push(openFds())
    }
    expect(Math.max(...fds.slice(1))).toBe(fds[1])
  })

  it('sees a process that starts and ends after the load', async () => {
    const capture = openCapture()
    capture.load()
    const batches: Buffer[] = []
    capture.start((batch) => batches.push(batch))
    execFileSync('true')
    await capture.close() // delivers what is left
    const kinds = new Set<number>()
    for (const batch of batches)
      for (let at = 0; at < batch.length; at += (batch.readUInt32LE(at + 4) + 7) & ~7)
        kinds.add(batch.readUInt32LE(at))
    expect([...kinds]).toEqual(expect.arrayContaining([4, 5, 6])) // exec, fork, exit
  })

  it('goes on delivering after the callback throws (Node reports it as DEP0168)', async () => {
    const capture = openCapture()
    capture.load()
    let calls = 0
    capture.start(() => {
      if (calls++ === 0) throw new Error('first batch')
    })
    execFileSync('true')
    await expect.poll(() => calls).toBeGreaterThan(0)
    execFileSync('true')
    await expect.poll(() => calls).toBeGreaterThan(1)
    await capture.close()
  })

  it('attaches to exactly the inspected file or not at all', async () => {
    const capture = openCapture()
    capture.load()
    const request = { path, device, cookie: 1n, functions }
    expect(() => capture.attach({ ...request, inode: inode + 1n })).toThrow(/replaced/)
    const beyond = [{ program: 'ssl_read', offset: 2 ** 40 }]
    expect(() => capture.attach({ ...request, inode, functions: beyond })).toThrow(/beyond the file/)
    await capture.close()
  })

  it('says what it was not asked in order', async () => {
    const capture = openCapture()
    expect(() => capture.start(() => undefined)).toThrow(/needs load/)
    expect(() => capture.stats()).toThrow(/needs load/)
    await capture.close()
  })

  it.each(['openssl', 'calls', 'connections', 'events'])(
    'keeps every function of %s.bpf.c, which uprobe programs run, below 64 bytes of stack',
    (name) => {
      const object = join(import.meta.dirname, `../../bpf/.output/${name}.bpf.o`)
      const listing = execFileSync('llvm-objdump', ['-d', object], { encoding: 'utf8' })
      const depths = [...listing.matchAll(/r10 (?:\+ -|- )(0x[0-9a-f]+|\d+)/g)].map((match) =>
        Number(match[1]),
      )
      expect(depths.length).toBeGreaterThan(0)
      expect(Math.max(...depths)).toBeLessThanOrEqual(48)
    },
  )
})
