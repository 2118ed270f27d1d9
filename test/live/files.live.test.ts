// SPDX-License-Identifier: Apache-2.0
/** Files under the probes do not stay as they were: written in place, replaced, and functions left by longjmp. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFakeServer, type FakeServer } from '../server/start.mjs'
import { startWorkload } from '../workloads/run.mjs'
import { mappedLibssl, readInstructions } from './support/machine.js'
import { describeLive } from './support/permitted.js'
import { readCapturedFile } from './support/recording.js'
import { killSensors, startSensor } from './support/sensor.js'
import { until } from './support/until.js'

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname

let folder: string
let server: FakeServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oisp-files-'))
  server = await startFakeServer({})
})
afterEach(async () => {
  await killSensors()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The pid of a client that used the library at `path`, once the sensor's probes stand in it. */
async function callWith(path: string): Promise<number> {
  const options = { url: server.baseUrl, caFile: server.caFile }
  const client = startWorkload('python-dlopen', ['--libssl', path, '--gate'], options)
  await client.nextLine()
  client.go()
  const { functions } = (await client.nextLine()) as { functions: Record<string, number> }
  const isPatched = (name: string): boolean => {
    const { inMemory, inFile } = readInstructions(client.pid, functions[name]!)
    return !inMemory.equals(inFile)
  }
  await until('the probes in the library', () => (Object.keys(functions).every(isPatched) ? true : undefined))
  client.go()
  const { exitCode } = await client.done()
  expect(exitCode).toBe(0)
  return client.pid
}

const bytesOf = (recording: string, pid: number): number =>
  readCapturedFile(recording)
    .connections.filter((connection) => connection.pid === pid)
    .reduce((sum, { transmit }) => sum + transmit.capturedBytes, 0)

/** A library with one function whose second instruction is data to a probe that stands at an old place. */
function compile(name: string, source: string, ...flags: string[]): string {
  const path = join(folder, name)
  writeFileSync(`${path}.c`, source)
  execFileSync('cc', ['-O1', '-o', path, `${path}.c`, ...flags])
  return path
}

describeLive('a library that is written in place', () => {
  test('is attached anew, at the places of the new file', async () => {
    const copy = join(folder, 'libssl.so.3')
    copyFileSync(mappedLibssl('/usr/bin/python3'), copy)
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    const first = await callWith(copy)
    writeFileSync(copy, readFileSync(copy))
    const second = await callWith(copy)
    await sensor.stop()
    expect(bytesOf(sensor.output, first)).toBeGreaterThan(0)
    expect(bytesOf(sensor.output, second)).toBeGreaterThan(0)
  })

  test('runs its own code: no breakpoint of the old one stands in it', async () => {
    const functions = (pad: string) =>
      `int SSL_read(void *s, void *b, int n) { ${pad} return 0; } int SSL_write(void *s, void *b, int n) { return 0; }
       int compute(void) { return 0x12345678; }`
    const library = compile('liba.so', functions(''), '-shared', '-fPIC')
    const user = compile(
      'user',
      `#include <dlfcn.h>
       int main(int c, char **v) { int (*f)(void) = dlsym(dlopen(v[1], RTLD_NOW), "compute"); return f() != 0x12345678; }`,
      '-ldl',
    )
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    expect(spawnSync(user, [library]).status).toBe(0)
    // Other code at every place: bytes of compute() move to where SSL_read and SSL_write were.
    const other = compile(
      'libb.so',
      functions('__asm__ volatile("nop; nop; nop; nop; nop; nop; nop");'),
      '-shared',
      '-fPIC',
    )
    writeFileSync(library, readFileSync(other))
    const run = () => spawnSync(user, [library]).status
    await until('the old probes to go', () => (run() === 0 ? true : undefined))
    for (let i = 0; i < 20; i++) expect(run()).toBe(0)
    await sensor.stop()
  })
})

describeLive('a call that is left by longjmp and repeated', () => {
  test('costs nobody the attachment', async () => {
    const libssl = mappedLibssl('/usr/bin/python3')
    const jumper = compile(
      'jumper',
      `#define _GNU_SOURCE
       #include <dlfcn.h>
       #include <setjmp.h>
       #include <signal.h>
       static sigjmp_buf back;
       static void onSignal(int s) { siglongjmp(back, 1); }
       int main(int c, char **v) {
         int (*f)(void *, void *, int) = dlsym(dlopen(v[1], RTLD_NOW), "SSL_read");
         struct sigaction a = {.sa_handler = onSignal, .sa_flags = SA_NODEFER};
         sigaction(SIGSEGV, &a, 0);
         for (volatile int i = 0; i < 5; i++) if (!sigsetjmp(back, 1)) f((void *)8, 0, 1);
         return 0;
       }`,
      '-ldl',
    )
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    expect(spawnSync(jumper, [libssl]).status).toBe(0)
    const pid = await callWith(libssl)
    await sensor.stop()
    expect(bytesOf(sensor.output, pid)).toBeGreaterThan(0)
  })
})

describeLive('doctor', () => {
  test('says of a process whether probes stand in it', async () => {
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'doctor', '--json'], { encoding: 'utf8' })
    await sensor.stop()
    expect(status).toBe(0)
    const { targets } = JSON.parse(stdout) as { targets: { pid: number; state: string }[] }
    // This very process is a node, which exports the functions of OpenSSL.
    expect(targets.filter(({ pid }) => pid === process.pid).map(({ state }) => state)).toEqual(['attached'])
  })
})
