// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { planAttach, unreadableLibrary } from './attach.js'
import { knownBadKernel, upstreamRelease } from './system.js'
import type { AttachRequest, InspectedImage } from './images.js'
import { createTargets } from './targets.js'

const openssl = { SSL_read: 100, SSL_write: 200, SSL_read_ex: 300, SSL_write_ex: 400, SSL_free: 500 }

describe('planAttach', () => {
  it('gives every known function its programs', () => {
    expect(planAttach({ isElf: true, functions: openssl })).toEqual({
      action: 'attach',
      library: 'openssl',
      functions: [
        { program: 'ssl_write', offset: 200 },
        { program: 'ssl_write_ex', offset: 400 },
        { program: 'ssl_read', offset: 100 },
        { program: 'ssl_read_ex', offset: 300 },
        { program: 'ssl_free', offset: 500 },
      ],
    })
  })

  it('attaches one address once, whatever it is called', () => {
    const plan = planAttach({ isElf: true, functions: { SSL_read: 100, SSL_write: 200, SSL_write_ex: 200 } })
    expect(plan).toMatchObject({ functions: [{ program: 'ssl_write' }, { program: 'ssl_read' }] })
  })

  it('ignores what is no TLS image and refuses half of one', () => {
    expect(planAttach({ isElf: true, functions: {} })).toEqual({ action: 'ignore' })
    expect(planAttach({ isElf: false, functions: openssl })).toEqual({ action: 'ignore' })
    expect(planAttach({ isElf: true, functions: { SSL_read: 100 } })).toMatchObject({ action: 'refuse' })
  })

  it('knows the libraries it cannot read by file name', () => {
    expect(unreadableLibrary('/usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3')).toBe('GnuTLS')
    expect(unreadableLibrary('/usr/lib/libssl.so.3')).toBeUndefined()
  })
})

describe('targets', () => {
  const image = (
    inode: bigint,
    functions: Record<string, number> = openssl,
    changedNs = 1n,
  ): InspectedImage => ({
    changedNs,
    device: 1n,
    inode,
    isElf: true,
    buildId: '',
    functions,
  })

  function setUp(files: Record<string, InspectedImage>, refuse = false) {
    const attached: AttachRequest[] = []
    let looks = 0
    const identify = (path: string): InspectedImage => {
      const found = files[path]
      if (found === undefined) throw new Error('ENOENT')
      return found
    }
    const targets = createTargets({
      identify,
      inspect(path) {
        looks++
        return identify(path)
      },
      attach(request) {
        if (refuse) throw new Error('Operation not permitted')
        attached.push(request)
      },
    })
    return { targets, attached, looks: () => looks }
  }

  const look = (
    targets: ReturnType<typeof createTargets>,
    paths: string[],
    name: string,
    fileKey: string,
    inode?: bigint,
  ): boolean => targets.consider({ paths, name, fileKey, inode })

  it('attaches once per inode, whatever the paths and mounts', () => {
    const { targets, attached } = setUp({ '/a': image(7n), '/hard-link': image(7n), '/b': image(8n) })
    expect(look(targets, ['/a'], '/a', '8:1:7')).toBe(true)
    look(targets, ['/hard-link'], '/hard-link', '8:2:7')
    look(targets, ['/b'], '/b', '8:1:8')
    expect(attached.map(({ path, inode, cookie }) => [path, inode, cookie])).toEqual([
      ['/a', 7n, 1n],
      ['/b', 8n, 2n],
    ])
  })

  it('looks at a file once, also when it is no TLS image', () => {
    const { targets, looks } = setUp({ '/libc': image(9n, {}) })
    for (let i = 0; i < 3; i++) look(targets, ['/libc'], '/libc', '8:1:9')
    expect(looks()).toBe(1)
  })

  it('tries the next path, and the next process when none opens', () => {
    const { targets, attached } = setUp({ '/proc/2/root/a': image(7n) })
    expect(look(targets, ['/proc/1/map_files/x', '/proc/1/root/a'], '/a', '8:1:7')).toBe(false)
    expect(look(targets, ['/proc/2/map_files/x', '/proc/2/root/a'], '/a', '8:1:7')).toBe(true)
    expect(attached).toHaveLength(1)
  })

  it('does not believe a path that leads to another file', () => {
    const { targets, attached } = setUp({ '/proc/1/root/a': image(8n), '/proc/2/map_files/x': image(7n) })
    expect(look(targets, ['/proc/1/root/a'], '/a', '8:1:7', 7n)).toBe(false)
    expect(look(targets, ['/proc/2/map_files/x'], '/a', '8:1:7', 7n)).toBe(true)
    expect(attached.map(({ inode }) => inode)).toEqual([7n])
  })

  it('decides anew when an inode number serves another file, or its file was written', () => {
    const files = { '/a': image(7n, {}) }
    const { targets, attached } = setUp(files)
    look(targets, ['/a'], '/a', '8:1:7')
    files['/a'] = image(7n, openssl, 2n)
    targets.forget('8:1:7')
    look(targets, ['/a'], '/a', '8:1:7')
    expect(attached).toHaveLength(1)
    // chmod moves the time of an attached file as well: no second attachment
    files['/a'] = image(7n, openssl, 3n)
    targets.forget('8:1:7')
    look(targets, ['/a'], '/a', '8:1:7')
    expect(attached).toHaveLength(1)
    targets.forgetAttachment(attached[0]!.cookie)
    look(targets, ['/a'], '/a', '8:1:7')
    expect(attached).toHaveLength(2)
  })

  it('says why an image is blind', () => {
    const { targets } = setUp({ '/a': image(7n), '/libgnutls.so.30': image(8n, {}) }, true)
    look(targets, ['/a'], '/a', '8:1:7')
    look(targets, ['/libgnutls.so.30'], '/libgnutls.so.30', '8:1:8')
    expect(targets.images()).toMatchObject([
      { state: 'refused', reason: 'attach failed: Operation not permitted' },
      { state: 'refused', reason: 'GnuTLS is not supported yet' },
    ])
  })

  it('marks the attachment that the kernel found to be a second one', () => {
    const { targets } = setUp({ '/a': image(7n), '/b': image(8n) })
    look(targets, ['/a'], '/a', '8:1:7')
    look(targets, ['/b'], '/b', '9:1:8')
    targets.markDuplicate(2n)
    expect(targets.images().map(({ state }) => state)).toEqual(['attached', 'duplicate'])
  })
})

describe('knownBadKernel', () => {
  it('refuses exactly the releases between the uretprobe system call and its seccomp fix', () => {
    const bad = ['6.11.0', '6.11.11-200.fc40', '6.12.0', '6.12.13-amd64', '6.13.0-rc1', '6.13.2']
    const good = [
      '5.10.0',
      '6.1.158',
      '6.10.14',
      '6.12.14',
      '6.12.41+deb13-amd64',
      '6.13.3',
      '6.14.0',
      '6.18.44',
      '7.3.0',
    ]
    expect(bad.filter((release) => knownBadKernel(release) === undefined)).toEqual([])
    expect(good.filter((release) => knownBadKernel(release) !== undefined)).toEqual([])
  })

  it('reads the upstream number where Debian puts it', () => {
    expect(upstreamRelease('6.1.0-18-amd64', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)')).toBe(
      '6.1.76',
    )
    expect(upstreamRelease('6.18.44', '#1 SMP')).toBe('6.18.44')
  })
})
