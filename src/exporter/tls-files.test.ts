// SPDX-License-Identifier: Apache-2.0
/** Certificates by path: what is wrong at start, and what a rotation does to connections and to what waits. */
import { createPrivateKey } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeClock, type FakeClock } from '../../test/support/collector-clock.js'
import { faultFile, startGrpcCollector, startHttpCollector } from '../../test/support/collector.js'
import { createMemoryLog, makeDestination, type MemoryLog } from '../../test/support/collector-telemetry.js'
import { createGrpcTransport } from './grpc.js'
import { createHttpTransport } from './http.js'
import { TLS_CHECK_MS, TlsFiles } from './tls-files.js'
import type { TlsPaths, Transport } from './types.js'

const BODY = Buffer.from('0a00', 'hex')
let folder: string
let paths: TlsPaths
let clock: FakeClock
let log: MemoryLog
const closing: (() => Promise<unknown>)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-files-'))
  paths = {
    caFile: join(folder, 'ca.pem'),
    certFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
  }
  copyFileSync(faultFile('ca'), paths.caFile!)
  useClient('client-a')
  clock = createFakeClock()
  log = createMemoryLog()
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  rmSync(folder, { recursive: true })
})

/** As rotation tools do it: a new file over the old one. */
function replace(path: string, from: string): void {
  copyFileSync(from, `${path}.new`)
  renameSync(`${path}.new`, path)
}

function useClient(name: string): void {
  replace(paths.certFile!, faultFile(name))
  replace(paths.keyFile!, faultFile(`${name}-key`))
}

const create = (change: Partial<TlsPaths> = {}): TlsFiles =>
  new TlsFiles({ paths: { ...paths, ...change }, clock, log })

describe('at start', () => {
  it('the files are read as they are, and none is fine', () => {
    const { ca, cert, key } = create().get()
    expect([ca, cert, key]).toEqual(
      ['ca', 'client-a', 'client-a-key'].map((name) => readFileSync(faultFile(name))),
    )
    expect(create({ caFile: undefined, certFile: undefined, keyFile: undefined }).get()).toEqual({})
  })

  it.each([
    ['a missing file', { caFile: '/nowhere/ca.pem' }, '/nowhere/ca.pem cannot be read (ENOENT)'],
    ['a folder', { keyFile: '/' }, '/ cannot be read (EISDIR)'],
    [
      'a key for an authority',
      { caFile: faultFile('client-a-key') },
      'client-a-key.pem holds no PEM certificate',
    ],
    ['a certificate for a key', { keyFile: faultFile('ca') }, 'ca.pem holds no PEM key that OpenSSL takes'],
    ['the key of another', { keyFile: faultFile('client-b-key') }, 'client-b-key.pem is not the key of '],
    ['a certificate alone', { keyFile: undefined }, 'a client certificate has no key'],
    ['a key alone', { certFile: undefined }, 'a client key has no certificate'],
  ])('%s is named', (_what, change, message) => {
    expect(() => create(change)).toThrow(message)
    expect(() => create(change)).toThrow(
      expect.objectContaining({ exitCode: 2, code: 'ERR_EXPORTER_TLS_FILE' }),
    )
  })

  it('an encrypted key is named', () => {
    const keyFile = join(folder, 'encrypted.pem')
    const key = createPrivateKey(readFileSync(paths.keyFile!))
    writeFileSync(
      keyFile,
      key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }),
    )
    expect(() => create({ keyFile })).toThrow(`${keyFile} is encrypted`)
  })
})

describe('a rotation', () => {
  it('is seen within ten seconds, and not looked for more often', () => {
    const files = create()
    const before = files.get()
    useClient('client-b')
    clock.advance(TLS_CHECK_MS - 1)
    expect(files.get()).toBe(before)
    clock.advance(1)
    expect(files.get().cert).toEqual(readFileSync(faultFile('client-b')))
    expect(files.get()).toBe(files.get())
    expect(log.lines).toHaveLength(1)
    expect(log.lines[0]).toContain('info TLS files were replaced')
  })

  it('is seen at once after a failed handshake', () => {
    const files = create()
    useClient('client-b')
    files.suspect()
    expect(files.get().cert).toEqual(readFileSync(faultFile('client-b')))
  })

  it('to something bad keeps the old files with one warning, until it is right', () => {
    const files = create()
    const before = files.get()
    replace(paths.certFile!, faultFile('client-b'))
    for (let round = 0; round < 3; round++) {
      clock.advance(TLS_CHECK_MS)
      expect(files.get()).toBe(before)
      writeFileSync(paths.keyFile!, `garbage ${round}`)
    }
    expect(log.lines).toEqual([
      `warn ${paths.keyFile} is not the key of ${paths.certFile}; the TLS files read before stay in use until this one is right`,
    ])
    rmSync(paths.keyFile!)
    clock.advance(TLS_CHECK_MS)
    expect(files.get()).toBe(before)
    useClient('client-b')
    clock.advance(TLS_CHECK_MS)
    expect(files.get().cert).toEqual(readFileSync(faultFile('client-b')))
    expect(log.lines).toHaveLength(2)
  })
})

describe.each(['grpc', 'http/protobuf'] as const)('mTLS over %s', (protocol) => {
  it('shows the new certificate on new connections, and loses no request', async () => {
    const start = protocol === 'grpc' ? startGrpcCollector : startHttpCollector
    const collector = await start({ isTls: true, certificate: 'server', asksForClient: true })
    closing.push(() => collector.stop())
    const createTransport = protocol === 'grpc' ? createGrpcTransport : createHttpTransport
    const transport: Transport = createTransport(
      makeDestination(collector.url, { protocol, tls: paths, timeoutMs: 2 * TLS_CHECK_MS }),
      {
        userAgent: 'test',
        clock,
        log,
      },
    )
    closing.push(() => transport.close())
    const sends: Promise<unknown>[] = []
    const send = (): void =>
      void sends.push(
        transport
          .send('traces', BODY)
          .then((result) => (result.outcome === 'accepted' ? 'accepted' : result)),
      )
    send()
    await sends[0]
    useClient('client-b')
    send()
    clock.advance(TLS_CHECK_MS)
    send()
    expect(await Promise.all(sends)).toEqual(['accepted', 'accepted', 'accepted'])
    send()
    await sends[3]
    const peers = collector.requests.map(({ peer }) => peer)
    expect(peers).toHaveLength(4)
    expect([peers[0], peers[3]]).toEqual(['client-a', 'client-b'])
  })
})
