// SPDX-License-Identifier: Apache-2.0
/**
 * The PEM files of one destination, read again when they are rotated. In: paths. Out: bytes that belong together, as one object
 * that is replaced when the files change. A bad file at start is an error; later it leaves the old bytes in use, with a warning.
 * @module
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { SensorError } from '../errors.js'
import type { Clock, ExporterLog, TlsPaths } from './types.js'

export interface TlsMaterial {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** A rotation is seen this much later at most; a stat of three files costs some 10 µs. */
export const TLS_CHECK_MS = 10_000

export interface TlsFilesSettings {
  paths: TlsPaths
  clock: Clock
  log: ExporterLog
}

/**
 * Polled, not watched: `fs.watch` follows an inode, and every rotation tool (certbot, Kubernetes' ..data link, rename over the
 * old file) puts a new one in its place.
 */
export class TlsFiles {
  readonly #settings: TlsFilesSettings
  #material: TlsMaterial
  /** What the files looked like when they were last read, well or badly. */
  #seen: string
  #checkedAt: number
  #isSuspect = false
  #hasWarned = false

  /** Throws SensorError when a file cannot be read or does not hold what it should. */
  constructor(settings: TlsFilesSettings) {
    this.#settings = settings
    this.#seen = fingerprint(settings.paths)
    this.#checkedAt = settings.clock.now()
    this.#material = readMaterial(settings.paths)
  }

  /** For a connection about to be opened. The same object as before as long as nothing has changed. */
  get(): TlsMaterial {
    const now = this.#settings.clock.now()
    if (!this.#isSuspect && now - this.#checkedAt < TLS_CHECK_MS) return this.#material
    this.#isSuspect = false
    this.#checkedAt = now
    const seen = fingerprint(this.#settings.paths)
    if (seen !== this.#seen) this.#reload(seen)
    return this.#material
  }

  /** A handshake failed: perhaps because the files are no longer the right ones. The next `get` looks at once. */
  suspect(): void {
    this.#isSuspect = true
  }

  #reload(seen: string): void {
    const { paths, log } = this.#settings
    this.#seen = seen
    try {
      this.#material = readMaterial(paths)
      this.#hasWarned = false
      log.info(`TLS files were replaced; new connections use them (${list(paths).join(', ')})`)
    } catch (error) {
      // Certificate and key are rarely replaced in the same instant: the next change is read again.
      if (!this.#hasWarned)
        log.warn(`${(error as Error).message}; the TLS files read before stay in use until this one is right`)
      this.#hasWarned = true
    }
  }
}

function list({ caFile, certFile, keyFile }: TlsPaths): string[] {
  return [caFile, certFile, keyFile].filter((path) => path !== undefined)
}

/** Inode and change time: a rename over the file changes the first, a write in place the second, a touched mtime neither hides. */
function fingerprint(paths: TlsPaths): string {
  return list(paths).map(fingerprintFile).join(' ')
}

function fingerprintFile(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}

function readMaterial({ caFile, certFile, keyFile }: TlsPaths): TlsMaterial {
  if ((certFile === undefined) !== (keyFile === undefined))
    throw invalid(
      `${(certFile ?? keyFile)!}: a client ${certFile ? 'certificate has no key' : 'key has no certificate'}`,
      'Set both OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY.',
    )
  const ca = caFile === undefined ? undefined : readCertificates(caFile)
  const cert = certFile === undefined ? undefined : readCertificates(certFile)
  const key = keyFile === undefined ? undefined : readPem(keyFile)
  if (cert && key) checkPair(cert, key, certFile!, keyFile!)
  return { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) }
}

function readCertificates(path: string): Buffer {
  const bytes = readPem(path)
  try {
    new X509Certificate(bytes)
    return bytes
  } catch (cause) {
    throw invalid(
      `${path} holds no PEM certificate`,
      'It must contain a BEGIN CERTIFICATE block; convert DER with: openssl x509 -inform der -in FILE.',
      cause,
    )
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw invalid(
      `${path} cannot be read (${code})`,
      "Name a PEM file that the sensor's user may read.",
      cause,
    )
  }
}

function checkPair(cert: Buffer, key: Buffer, certFile: string, keyFile: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    if (/KEY_VALUES_MISMATCH/.test(code))
      throw invalid(
        `${keyFile} is not the key of ${certFile}`,
        'Give the two files of one certificate.',
        cause,
      )
    const isEncrypted = /passw|decrypt|passphrase/i.test(`${code} ${message}`)
    throw invalid(
      isEncrypted ? `${keyFile} is encrypted` : `${keyFile} holds no PEM key that OpenSSL takes`,
      isEncrypted
        ? "There is nobody to ask for the passphrase: write the key without one, readable for the sensor's user only."
        : 'It must contain a BEGIN PRIVATE KEY block.',
      cause,
    )
  }
}

function invalid(message: string, hint: string, cause?: unknown): SensorError {
  return new SensorError({ code: 'ERR_EXPORTER_TLS_FILE', message, hint, exitCode: 2, cause })
}
