// SPDX-License-Identifier: Apache-2.0
/** Files under the probes do not stay as they were: written in place, replaced, and functions left by longjmp. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

function compile(name: string, source: string, ...flags: string[]): string {
  const path = join(folder, name)
  writeFileSync(`${path}.c`, source)
  execFileSync('cc', ['-O1', '-o', path, `${path}.c`, ...flags])
  return path
}

/**
 * A library with OpenSSL's names that moves every byte it is given. Before its functions stand `pad` bytes that nobody runs:
 * what stood elsewhere in the file before can neither be taken for a probe in them nor be hit.
 */
function compileLibrary(name: string, pad: number): string {
  const source = `__asm__(".text; .skip ${pad}, 0x90");
    int SSL_read(void *s, void *b, int n) { return n; } int SSL_write(void *s, void *b, int n) { return n; }
    int SSL_clear(void *s) { return 1; }`
  // Functions stay behind the padding and in this order.
  return compile(name, source, '-shared', '-fPIC', '-fno-toplevel-reorder')
}

/** Loads a library, says where its SSL_clear is, and calls its SSL_write once it is told to. */
const compileCaller = (): string =>
  compile(
    'caller',
    `#include <dlfcn.h>
     #include <stdio.h>
     #include <stdlib.h>
     int main(int c, char **v) {
       void *library = dlopen(v[1], RTLD_NOW);
       int (*f)(void *, void *, int) = dlsym(library, "SSL_write");
       printf("%lu\\n", (unsigned long)dlsym(library, "SSL_clear"));
       fflush(stdout);
       getchar();
       return f((void *)8, calloc(1, atoi(v[2])), atoi(v[2])) != atoi(v[2]);
     }`,
    '-ldl',
  )

/**
 * One process that writes `bytes` through the library at `path`, once a probe stands where the file has SSL_clear now: the last
 * function to get one (src/receiver/attach.ts), so that all others stand. A probe at SSL_write itself may be its return's alone.
 */
async function writeThrough(
  caller: string,
  path: string,
  bytes: number,
): Promise<{ pid: number; fileOffset: number }> {
  const child = spawn(caller, [path, String(bytes)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const look = () => readInstructions(child.pid!, Number(line.toString()))
  await until('the last probe', () => (look().inMemory.equals(look().inFile) ? undefined : true))
  const { fileOffset } = look()
  child.stdin.end('\n')
  expect(await exited).toEqual([0, null])
  return { pid: child.pid!, fileOffset }
}

describeLive('a library that is written in place', () => {
  test('is attached anew, at the places of the new file', async () => {
    const library = compileLibrary('liba.so', 64)
    const written = compileLibrary('libb.so', 8192)
    const caller = compileCaller()
    const sensor = await startSensor('capture', join(folder, 'raw.rec'))
    const first = await writeThrough(caller, library, 1000)
    writeFileSync(library, readFileSync(written))
    const second = await writeThrough(caller, library, 2000)
    await sensor.stop()
    expect(second.fileOffset - first.fileOffset).toBeGreaterThanOrEqual(4096)
    expect(bytesOf(sensor.output, first.pid)).toBe(1000)
    expect(bytesOf(sensor.output, second.pid)).toBe(2000)
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
