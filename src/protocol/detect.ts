// SPDX-License-Identifier: Apache-2.0
/**
 * Which protocol a direction's first bytes begin, and who asks. In: bytes. Out: a verdict, or "cannot tell yet". Pure.
 * @module
 */
import { canBecomeStartLine, isStartLine } from './http1/start.js'

/** RFC 9113 3.4 */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const CR = 13
const LF = 10
const MAX_EMPTY_BYTES = 64

/** `none`: not the beginning of anything we know. */
export type Beginning = 'request' | 'response' | 'http2' | 'need-more' | 'none'

export function detectBeginning(bytes: Buffer): Beginning {
  const compared = Math.min(bytes.length, HTTP2_PREFACE.length)
  if (bytes.subarray(0, compared).equals(HTTP2_PREFACE.subarray(0, compared)))
    return compared === HTTP2_PREFACE.length ? 'http2' : 'need-more'
  // RFC 9112 2.2: empty lines before a start line are ignored.
  const emptyBytes = lengthOfEmptyLines(bytes)
  if (emptyBytes > MAX_EMPTY_BYTES) return 'none'
  if (emptyBytes === bytes.length) return 'need-more'
  const view = bytes.subarray(emptyBytes)
  const end = view.indexOf(LF)
  if (end < 0) {
    const canBe = canBecomeStartLine('request', view) || canBecomeStartLine('response', view)
    return canBe ? 'need-more' : 'none'
  }
  const line = view.toString('latin1', 0, end).replace(/\r$/, '')
  if (isStartLine('request', line)) return 'request'
  return isStartLine('response', line) ? 'response' : 'none'
}

function lengthOfEmptyLines(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === CR || bytes[at] === LF) at++
  return at
}
