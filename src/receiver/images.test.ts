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
