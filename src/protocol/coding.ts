// SPDX-License-Identifier: Apache-2.0
/**
 * Content codings (RFC 9110 8.4.1): gzip, deflate in both its readings, br, stacked. In: coded body pieces. Out: what can be
 * decoded so far, at once. Synchronous, and bounded against decompression bombs. zstd is left coded and counted.
 * @module
 */
import type { Budget } from '../stats.js'
import { BrotliDecompress, constants, Gunzip, Inflate, InflateRaw } from 'minizlib'
import type { RawHead } from './http1/head.js'
import { fieldValue } from './http1/head.js'

/** One body's way back through its codings. */
export interface BodyDecoder {
  /** What came out; undefined when the body is damaged or larger than allowed: nothing more will come. */
  write(bytes: Uint8Array): Uint8Array[] | undefined
  /** No more comes. False when the coding's own end has not been reached. */
  finish(): boolean
  readonly failure: 'invalid' | 'limit' | undefined
  close(): void
}

type Inflater = Gunzip | Inflate | InflateRaw | BrotliDecompress

/** Undefined for an identity body; `unknown` names a coding we cannot undo. */
export function createBodyDecoder(
  fields: RawHead['fields'],
  maxOutputBytes: number,
  budget: Budget,
): { decoder: BodyDecoder | undefined; unknown: string | undefined } {
  const names = (fieldValue(fields, 'content-encoding') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')
  const unknown = names.find((name) => !KNOWN_CODINGS.has(name))
  if (names.length === 0 || unknown !== undefined) return { decoder: undefined, unknown }
  // Applied in the order listed, so undone from the last. Three are more than anybody uses, and each multiplies a bomb.
  if (names.length > 3) return { decoder: undefined, unknown: 'stacked' }
  return { decoder: new Chain(names.reverse(), maxOutputBytes, budget), unknown: undefined }
}

const KNOWN_CODINGS = new Set(['gzip', 'x-gzip', 'deflate', 'br'])

/** Of one decoder: window, state and output buffer. (A br window may be larger; servers use what q5 needs.) */
const DECODER_BYTES = 64 * 1024
/** One record holds 32 KiB, and no honest body grows 256 times. */
const MAX_WRITE_OUTPUT_BYTES = 8 << 20

class Chain implements BodyDecoder {
  readonly #steps: Step[]
  readonly #budget: Budget
  #reservedBytes = 0
  readonly #maxOutputBytes: number
  #outputBytes = 0
  failure: 'invalid' | 'limit' | undefined

  constructor(names: string[], maxOutputBytes: number, budget: Budget) {
    this.#maxOutputBytes = maxOutputBytes
    this.#budget = budget
    this.#steps = names.map((name) => new Step(name, Math.min(maxOutputBytes, MAX_WRITE_OUTPUT_BYTES)))
    const bytes = names.length * DECODER_BYTES
    if (budget.reserve(bytes)) this.#reservedBytes = bytes
    else this.failure = 'limit'
  }

  write(bytes: Uint8Array): Uint8Array[] | undefined {
    if (this.failure !== undefined) return undefined
    let pieces: Uint8Array[] = [bytes]
    for (const step of this.#steps) {
      pieces = pieces.flatMap((piece) => step.write(piece))
      if (step.failure !== undefined) return this.#fail(step.failure)
    }
    for (const piece of pieces) this.#outputBytes += piece.length
    return this.#outputBytes > this.#maxOutputBytes ? this.#fail('limit') : pieces
  }

  finish(): boolean {
    return this.failure === undefined && this.#steps.every((step) => step.finish())
  }

  close(): void {
    for (const step of this.#steps) step.close()
    this.#budget.release(this.#reservedBytes)
    this.#reservedBytes = 0
  }

  #fail(reason: 'invalid' | 'limit'): undefined {
    this.failure = reason
    this.close()
    return undefined
  }
}

class Step {
  readonly #name: string
  readonly #maxOutputBytes: number
  #inflater: Inflater | undefined
  /** The first bytes of a `deflate` body, until they tell its format. */
  #beginning: Uint8Array = new Uint8Array(0)
  #out: Uint8Array[] = []
  failure: 'invalid' | 'limit' | undefined

  constructor(name: string, maxOutputBytes: number) {
    this.#name = name
    this.#maxOutputBytes = maxOutputBytes
  }

  write(bytes: Uint8Array): Uint8Array[] {
    let input = bytes
    if (this.#inflater === undefined) {
      input = this.#beginning.length === 0 ? bytes : Buffer.concat([this.#beginning, bytes])
      if (this.#name === 'deflate' && input.length < 2) {
        this.#beginning = Buffer.from(input)
        return []
      }
      this.#inflater = this.#open(input)
      this.#beginning = new Uint8Array(0)
    }
    this.#out = []
    if (this.failure === undefined)
      this.#inflater.write(Buffer.from(input.buffer, input.byteOffset, input.length))
    return this.#out
  }

  /** An empty body is whole. */
  finish(): boolean {
    if (this.#inflater !== undefined && this.failure === undefined) this.#inflater.end()
    return this.failure === undefined && this.#beginning.length === 0
  }

  close(): void {
    this.#inflater?.close()
  }

  #open(input: Uint8Array): Inflater {
    const inflater = newInflater(this.#name, input, this.#maxOutputBytes)
    inflater.on('data', (piece: Buffer) => this.#out.push(piece))
    inflater.on('error', (error) => {
      this.failure ??= (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'limit' : 'invalid'
    })
    return inflater
  }
}

function newInflater(name: string, input: Uint8Array, maxOutputLength: number): Inflater {
  // Flush after every write: an event must come out with the bytes that complete it.
  if (name === 'br') {
    const options = { flush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength }
    return new BrotliDecompress(options)
  }
  const options = { flush: constants.Z_SYNC_FLUSH, maxOutputLength }
  if (name !== 'deflate') return new Gunzip(options)
  return isZlibHeader(input) ? new Inflate(options) : new InflateRaw(options)
}

/** RFC 1950 2.2. Servers have sent raw DEFLATE under the name `deflate` for ever (RFC 9110 8.4.1.2 note). */
function isZlibHeader(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0
}
