// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The ground truth. In: every plaintext byte that crosses a TLS connection of the fake server, and what the HTTP layer
 * says about each exchange. Out: counts, hashes and, when asked, the raw bytes in files. Knows no provider and no sensor:
 * it stands between `node:tls` and `node:http`, so an error in our own parsers cannot hide in it.
 * @module
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'

/**
 * @typedef {{ bytes: number, sha256: string }} Digest
 *
 * @typedef {object} ConnectionEntry
 * @property {number} id in order of the finished handshakes
 * @property {'near' | 'far' | 'proxy'} listener
 * @property {Digest} received plaintext the client sent
 * @property {Digest} sent plaintext handed to TLS for the client; after an abort the client may have read less
 * @property {string} [receivedFile] raw bytes, when the ledger keeps them
 * @property {string} [sentFile]
 * @property {boolean} closed
 *
 * @typedef {object} ExchangeEntry
 * @property {number} connection
 * @property {string} method
 * @property {string} path
 * @property {number} status
 * @property {string | undefined} requestId what the answer's request-id header says
 * @property {string | undefined} responseId
 * @property {Digest} request body without transfer coding
 * @property {Digest} response body without transfer and content coding
 * @property {Digest & { coding: string }} coded the response body as it went, after content coding
 * @property {'open' | 'completed' | 'client-left' | 'dropped'} outcome
 *
 * @typedef {{ connections: ConnectionEntry[], exchanges: ExchangeEntry[] }} Truth
 */

/** Counts and hashes bytes, and appends them to `file` when there is one. */
export class Meter {
  #hash = createHash('sha256')
  #bytes = 0
  /** @type {number | undefined} */
  #fd

  /** @param {string} [file] */
  constructor(file) {
    this.#fd = file === undefined ? undefined : openSync(file, 'wx', 0o600)
  }

  /** @param {Uint8Array} chunk */
  add(chunk) {
    this.#hash.update(chunk)
    this.#bytes += chunk.length
    // Synchronous, so that the file is whole whenever the ledger is asked.
    for (let at = 0; this.#fd !== undefined && at < chunk.length;) at += writeSync(this.#fd, chunk, at)
  }

  close() {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** @returns {Digest} */
  digest() {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') }
  }
}

/** Stands in for the TLS socket towards `node:http` (which accepts any Duplex) and meters both directions. */
export class Tap extends Duplex {
  /**
   * @param {import('node:tls').TLSSocket} socket owned by the tap from here on
   * @param {{ received: Meter, sent: Meter }} meters
   */
  constructor(socket, meters) {
    super({ allowHalfOpen: true })
    this.socket = socket
    this.meters = meters
    socket.on('data', (chunk) => {
      meters.received.add(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
    // A client that leaves in mid-stream shows as ECONNRESET or EPIPE; 'close' follows and says the same.
    socket.on('error', () => {})
  }

  /** @override */
  _read() {
    this.socket.resume()
  }

  /**
   * @override
   * @param {Buffer} chunk
   * @param {BufferEncoding} _encoding
   * @param {(error?: Error | null) => void} done
   */
  _write(chunk, _encoding, done) {
    if (this.socket.destroyed) return done()
    this.meters.sent.add(chunk)
    // An answer to a client that has left is no error of the server's.
    this.socket.write(chunk, () => done())
  }

  /**
   * @override
   * @param {(error?: Error | null) => void} done
   */
  _final(done) {
    if (this.socket.destroyed) return done()
    this.socket.end(() => done())
  }

  /**
   * @override
   * @param {Error | null} error
   * @param {(error: Error | null) => void} done
   */
  _destroy(error, done) {
    this.socket.destroy()
    this.meters.received.close()
    this.meters.sent.close()
    done(error)
  }
}

/** One server's log of connections and exchanges. */
export class Ledger {
  /** @type {{ id: number, listener: ConnectionEntry['listener'], tap: Tap, files: (string | undefined)[] }[]} */
  #connections = []
  /** @type {(() => ExchangeEntry)[]} */
  #exchanges = []
  #nextId = 1

  /** @param {string | undefined} bytesDir where raw bytes are kept, one file per connection and direction */
  constructor(bytesDir) {
    this.bytesDir = bytesDir
  }

  /**
   * @param {import('node:tls').TLSSocket} socket
   * @param {ConnectionEntry['listener']} listener
   */
  tap(socket, listener) {
    const id = this.#nextId++
    /** @param {string} direction */
    const file = (direction) =>
      this.bytesDir === undefined ? undefined : join(this.bytesDir, `connection-${id}.${direction}`)
    const files = [file('received'), file('sent')]
    const tap = new Tap(socket, { received: new Meter(files[0]), sent: new Meter(files[1]) })
    this.#connections.push({ id, listener, tap, files })
    return tap
  }

  /** @param {unknown} tap the `socket` of a request, which is the tap that was given to `node:http` */
  idOf(tap) {
    return this.#connections.find((connection) => connection.tap === tap)?.id ?? 0
  }

  /** @param {() => ExchangeEntry} entry read whenever the ledger is asked */
  addExchange(entry) {
    this.#exchanges.push(entry)
  }

  /** Forgets what has ended, so that the next test sees only its own connections. */
  reset() {
    this.#connections = this.#connections.filter(({ tap }) => !tap.destroyed)
    this.#exchanges = this.#exchanges.filter((entry) => entry().outcome === 'open')
  }

  destroyConnections() {
    for (const { tap } of this.#connections) tap.destroy()
  }

  /** @returns {Truth} */
  read() {
    return {
      connections: this.#connections.map(({ id, listener, tap, files }) => ({
        id,
        listener,
        received: tap.meters.received.digest(),
        sent: tap.meters.sent.digest(),
        ...(files[0] !== undefined && { receivedFile: files[0] }),
        ...(files[1] !== undefined && { sentFile: files[1] }),
        closed: tap.destroyed,
      })),
      exchanges: this.#exchanges.map((entry) => entry()),
    }
  }
}
