// SPDX-License-Identifier: Apache-2.0
/**
 * Libraries that nobody had used when the sensor started: a private copy, another mount namespace, two overlay mounts, dlopen.
 * Every test has its own copy of libssl, so its inode is new. Between loading a library and its first SSL_write lies at
 * least one handshake with a provider: here `DISTANCE_MS` away, and in that time the sensor must have attached.
 * @module
 */
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runWorkload, startWorkload, type Report } from '../workloads/run.mjs'
import { mappedLibssl } from './support/machine.js'
import { expectBytesEqual, expectOneSpanEach, observe, pidsOf } from './support/observe.js'
import { describeLive } from './support/permitted.js'
import { killSensors } from './support/sensor.js'

let systemLibssl: string
let folder: string
let copy: string

beforeEach(() => {
  systemLibssl = realpathSync(mappedLibssl('/usr/bin/python3'))
  folder = mkdtempSync(join(tmpdir(), 'oisp-libssl-'))
  // Under the name the loader looks for, so that LD_LIBRARY_PATH finds it.
  copy = join(folder, 'libssl.so.3')
  copyFileSync(systemLibssl, copy)
})
afterEach(async () => {
  await killSensors()
  rmSync(folder, { recursive: true, force: true })
})

describeLive('a libssl that is new to the machine', () => {
  test('curl in 100 fresh processes, the first of them the first user of the library', async () => {
    const reports: Report[] = []
    const observation = await observe(async ({ farUrl, baseUrl, caFile }) => {
      const env = { CURL: `env LD_LIBRARY_PATH=${folder} curl` }
      const first = await runWorkload('curl', ['--prompt', 'first'], { url: farUrl, caFile, env })
      const rest = await runWorkload('curl', ['--calls', '99'], { url: baseUrl, caFile, env })
      reports.push(...first.reports, ...rest.reports)
    })
    const statuses = reports.flatMap(({ calls }) => calls.map(({ status }) => status))
    expect(statuses).toEqual(Array.from({ length: 100 }, () => 200))
    expectBytesEqual(observation, pidsOf(reports))
    expectOneSpanEach(observation, pidsOf(reports))
  }, 240_000)

  test('in another mount namespace, where its path names another file', async () => {
    let reports: Report[] = []
    const observation = await observe(async ({ farUrl, caFile }) => {
      const result = await runWorkload('curl-mount-namespace', [copy, systemLibssl], { url: farUrl, caFile })
      expect(result).toMatchObject({ exitCode: 0, stderr: '' })
      reports = result.reports
    })
    expectBytesEqual(observation, pidsOf(reports))
    expectOneSpanEach(observation, pidsOf(reports))
  })

  test('through two overlay mounts of one image: each call once', async () => {
    let reports: Report[] = []
    const observation = await observe(async ({ farUrl, caFile }) => {
      const result = await runWorkload('curl-overlay', [folder, '--calls', '3'], { url: farUrl, caFile })
      expect(result).toMatchObject({ exitCode: 0, stderr: '' })
      reports = result.reports
    })
    expect(reports).toHaveLength(2)
    expectBytesEqual(observation, pidsOf(reports))
    expectOneSpanEach(observation, pidsOf(reports))
  })

  test.each([
    ['SSL_write', []],
    ['SSL_write_ex', ['--ex']],
  ])('by dlopen long after the start, with %s', async (_name, args) => {
    let reports: Report[] = []
    const observation = await observe(async ({ farUrl, caFile }) => {
      const client = startWorkload('python-dlopen', ['--libssl', copy, ...args], { url: farUrl, caFile })
      expect(await client.nextLine()).toMatchObject({ waiting: true })
      client.go()
      const result = await client.done()
      expect(result).toMatchObject({ exitCode: 0, stderr: '' })
      reports = result.reports
    })
    expectBytesEqual(observation, pidsOf(reports))
    expectOneSpanEach(observation, pidsOf(reports))
  })
  test('loaded by a process before the sensor started, and deleted since', async () => {
    let client: ReturnType<typeof startWorkload> | undefined
    let reports: Report[] = []
    const observation = await observe(
      async () => {
        client!.go()
        const result = await client!.done()
        expect(result).toMatchObject({ exitCode: 0, stderr: '' })
        reports = result.reports
      },
      {
        before: async ({ baseUrl, caFile }) => {
          client = startWorkload('python-dlopen', ['--libssl', copy, '--gate'], { url: baseUrl, caFile })
          await client.nextLine()
          client.go()
          expect(await client.nextLine()).toHaveProperty('functions')
          rmSync(copy)
        },
      },
    )
    expectBytesEqual(observation, pidsOf(reports))
    expectOneSpanEach(observation, pidsOf(reports))
  })
})
