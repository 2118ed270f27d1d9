// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Puts an answer on the wire. In: a `Call` and its provider's words. Out: bytes in the framing, content coding and pace
 * that the behaviour asks for, and digests of the body before and after coding. Knows no provider.
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises'
import { constants, createBrotliCompress, createDeflate, createDeflateRaw, createGzip } from 'node:zlib'
import { Meter } from './ledger.mjs'

/**
 * @typedef {object} Call one request, read
 * @property {import('./behaviour.mjs').Behaviour} behaviour
 * @property {any} request the parsed JSON body
 * @property {string} hash of the request body; every id is made from it
 * @property {string} key the credential as sent
 */

/** @typedef {{ body: Meter, coded: Meter }} Meters */

const ENCODERS = {
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH }),
  deflate: () => createDeflate({ flush: constants.Z_SYNC_FLUSH }),
  deflateraw: () => createDeflateRaw({ flush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {Call} call
 * @param {{ status: number, headers: Record<string, string>, parts: Iterable<string>, isStream: boolean }} answer
 * @param {Meters} meters
 */
export async function sendAnswer(res, call, answer, meters) {
  const { behaviour } = call
  const parts = encode(behaviour.coding, cut(answer.parts, behaviour), behaviour.pace, meters)
  const framing = behaviour.framing === 'plain' && answer.isStream ? 'chunked' : behaviour.framing
  // For a content-length the body must be known first; a body is small or already whole in memory here.
  const whole = framing === 'plain' ? await collect(parts) : undefined
  writeHead(res, answer, behaviour, framing, whole?.length)
  if (whole !== undefined) await write(res, behaviour.truncated ? whole.subarray(0, whole.length / 2) : whole)
  else for await (const part of parts) if (!(await writeFramed(res, part, behaviour, framing))) break
  if (behaviour.truncated) return drop(res)
  if (framing === 'trailers') res.addTrailers({ 'x-fake-trailer': 'done' })
  // With `extensions` the chunks are ours, so node must not write the last one; see writeHead.
  res.end(framing === 'extensions' ? '0;last\r\n\r\n' : undefined)
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {{ status: number, headers: Record<string, string> }} answer
 * @param {import('./behaviour.mjs').Behaviour} behaviour
 * @param {string} framing
 * @param {number | undefined} length
 */
function writeHead(res, answer, { coding }, framing, length) {
  if (framing === 'close') res.useChunkedEncodingByDefault = false
  res.writeHead(answer.status, {
    ...answer.headers,
    ...(coding !== 'identity' && { 'content-encoding': coding === 'deflateraw' ? 'deflate' : coding }),
    ...(length !== undefined && { 'content-length': String(length) }),
    ...(framing === 'close' && { connection: 'close' }),
    ...(framing === 'trailers' && { trailer: 'x-fake-trailer' }),
    ...(['extensions', 'trailers', 'chunked'].includes(framing) && { 'transfer-encoding': 'chunked' }),
  })
  res.flushHeaders()
  // node:http cannot write chunk extensions (RFC 9112 section 7.1.1); told that nothing is chunked, it passes ours on.
  if (framing === 'extensions') res.chunkedEncoding = false
}

/**
 * Ends the parts early for `truncated`, so that a stream breaks in its middle.
 * @param {Iterable<string>} parts
 * @param {import('./behaviour.mjs').Behaviour} behaviour
 */
function* cut(parts, { truncated, events }) {
  let count = 0
  for (const part of parts) {
    yield part
    if (truncated && ++count > events / 2) return
  }
}

/**
 * One output chunk per part: a compressed stream is flushed after every event, as real servers do.
 * @param {string} coding
 * @param {Iterable<string>} parts
 * @param {number} pace
 * @param {Meters} meters
 */
async function* encode(coding, parts, pace, meters) {
  const encoder =
    coding === 'identity' ? undefined : ENCODERS[/** @type {keyof typeof ENCODERS} */ (coding)]()
  let isFirst = true
  for (const part of parts) {
    if (pace > 0 && !isFirst) await pause(pace)
    isFirst = false
    const bytes = Buffer.from(part)
    meters.body.add(bytes)
    if (encoder !== undefined) await new Promise((done) => encoder.write(bytes, done))
    const out = encoder === undefined ? bytes : read(encoder)
    meters.coded.add(out)
    yield out
  }
  if (encoder === undefined) return
  encoder.end()
  const tail = Buffer.concat(await encoder.toArray())
  meters.coded.add(tail)
  yield tail
}

/** @param {import('node:stream').Transform} encoder @returns {Buffer} what the flush has made readable */
function read(encoder) {
  return encoder.read() ?? Buffer.alloc(0)
}

/** @param {AsyncIterable<Buffer>} parts */
async function collect(parts) {
  const chunks = []
  for await (const part of parts) chunks.push(part)
  return Buffer.concat(chunks)
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {Buffer} part
 * @param {import('./behaviour.mjs').Behaviour} behaviour
 * @param {string} framing
 * @returns {Promise<boolean>} false when the client has left
 */
async function writeFramed(res, part, { split }, framing) {
  const pieces = split ? cutBytes(part) : [part]
  for (const piece of pieces) {
    if (piece.length === 0) continue
    const framed =
      framing === 'extensions'
        ? Buffer.concat([
            Buffer.from(`${piece.length.toString(16)};fake="a;b";n=1\r\n`),
            piece,
            Buffer.from('\r\n'),
          ])
        : piece
    if (!(await write(res, framed))) return false
  }
  return true
}

/** Shares no factor with the lengths of UTF-8 characters, so pieces end at every place inside them. */
const SPLIT_BYTES = 5

/** @param {Buffer} part */
function cutBytes(part) {
  return Array.from({ length: Math.ceil(part.length / SPLIT_BYTES) }, (_, number) =>
    part.subarray(number * SPLIT_BYTES, (number + 1) * SPLIT_BYTES),
  )
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {Buffer} bytes
 */
async function write(res, bytes) {
  if (res.destroyed) return false
  if (!res.write(bytes)) await drainedOrClosed(res)
  // Flat out must still let the client's leaving be noticed.
  else await new Promise((done) => setImmediate(done))
  return !res.destroyed
}

/** @param {import('node:http').ServerResponse} res @returns {Promise<void>} */
function drainedOrClosed(res) {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done).off('close', done)
      resolve()
    }
    res.on('drain', done).on('close', done)
  })
}

/** Ends the TCP connection without close_notify and without the rest of the message. @param {import('node:http').ServerResponse} res */
async function drop(res) {
  const { socket } = res
  if (socket === null) return
  await new Promise((done) => socket.write('', done))
  socket.destroy()
}
