// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { identifyFile, type FileIdentity } from './host.js'
import { createImages } from './images.js'
import { createTargets } from './targets.js'

const noTls = { isElf: true, buildId: '', functions: {} }

describe('images', () => {
  function setUp(file: FileIdentity) {
    const opened: string[] = []
    const images = createImages({
      attach: undefined,
      identify: () => file,
      inspect(path) {
        opened.push(path)
        return { ...file, ...noTls }
      },
    })
    return { opened, decide: (path: string) => images.decide(path, path, undefined) }
  }

  it('opens a file once, under whatever path, until it is written', () => {
    const file = { device: 1n, inode: 7n, changedNs: 5n }
    const { opened, decide } = setUp(file)
    for (const path of ['/a', '/a', '/hard-link']) decide(path)
    file.changedNs = 6n
    for (const path of ['/b', '/b']) decide(path)
    expect(opened).toEqual(['/a', '/b'])
  })

  it('does not trust the time of a file that was written this very moment: it may move no more', () => {
    const { opened, decide } = setUp({ device: 1n, inode: 7n, changedNs: BigInt(Date.now()) * 1_000_000n })
    for (const path of ['/a', '/b']) decide(path)
    expect(opened).toEqual(['/a', '/b'])
  })

  it('believes neither the look nor the opened file when the inode is another', () => {
    const image = (inode: bigint) => ({ device: 1n, inode, changedNs: 5n, ...noTls })
    const decide = (identified: bigint, inspected: bigint) => () =>
      createImages({
        attach: undefined,
        identify: () => image(identified),
        inspect: () => image(inspected),
      }).decide('/a', '/a', 7n)
    expect(decide(8n, 7n)).toThrow(/another file/)
    expect(decide(7n, 8n)).toThrow(/another file/)
    expect(decide(7n, 7n)()).toBeNull()
  })
})

describe('the limit of attached files', () => {
  const openssl = { isElf: true, buildId: '', functions: { SSL_read: 64, SSL_write: 128 } }

  function setUp(maxAttachments: number) {
    const attached: bigint[] = []
    let refusals = 0
    const identify = (path: string) => ({ device: 1n, inode: BigInt(path.slice(1)), changedNs: 5n })
    const images = createImages({
      identify,
      inspect: (path) => ({ ...identify(path), ...(path === '/99' ? noTls : openssl) }),
      attach: ({ inode }) => void attached.push(inode),
      maxAttachments,
      onLimit: () => refusals++,
    })
    const decide = (path: string) => images.decide(path, path, undefined)
    return { attached, images, decide, refusals: () => refusals }
  }

  it('refuses what comes after the first ones, says so and counts it; what is no TLS image is none of them', () => {
    const { attached, decide, refusals } = setUp(2)
    for (const path of ['/1', '/2', '/1']) expect(decide(path)?.state).toBe('attached')
    expect(decide('/99')).toBeNull()
    expect(decide('/3')).toMatchObject({
      state: 'refused',
      reason: 'limit of 2 attached files reached',
    })
    expect(decide('/3')?.state).toBe('refused')
    expect({ attached, refusals: refusals() }).toEqual({ attached: [1n, 2n], refusals: 1 })
  })

  it.each([
    ['has gone', (images: ReturnType<typeof createImages>) => images.forgetAttachment(1n)],
    ['was found to be a second one', (images: ReturnType<typeof createImages>) => images.markDuplicate(1n)],
  ])('lets a refused file in when an attachment %s', (_, end) => {
    const { attached, images, decide } = setUp(1)
    for (const path of ['/1', '/2']) decide(path)
    end(images)
    expect(decide('/2')?.state).toBe('attached')
    expect(decide('/3')?.state).toBe('refused')
    expect(attached).toEqual([1n, 2n])
  })
})

describe('a rescan of real processes', () => {
  it('asks again which file it is, and opens none that is the same', () => {
    const own = statSync(process.execPath, { bigint: true }).ino
    let asked = 0
    let opened = 0
    const targets = createTargets({
      attach: undefined,
      identify(path) {
        const found = identifyFile(path)
        if (found.inode === own) asked++
        return found
      },
      inspect(path) {
        const found = identifyFile(path)
        if (found.inode === own) opened++
        return { ...found, ...noTls }
      },
    })
    for (let i = 0; i < 3; i++) targets.rescan()
    expect({ asked, opened }).toEqual({ asked: 3, opened: 1 })
  })
})
