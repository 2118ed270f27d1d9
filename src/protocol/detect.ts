// SPDX-License-Identifier: Apache-2.0
/**
 * Which protocol a direction's first bytes begin, and who asks. In: bytes. Out: a verdict, or "cannot tell yet". Pure.
 * @module
 */
import { isStartLine } from './http1/start.js'

/** RFC 9113 3.4 */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const LF = 10

/** `none`: not the beginning of anything we know. */
export type Beginning = 'request' | 'response' | 'http2' | 'need-more' | 'none'

export function detectBeginning(view: Buffer): Beginning {
  const compared = Math.min(view.length, HTTP2_PREFACE.length)
  if (view.subarray(0, compared).equals(HTTP2_PREFACE.subarray(0, compared)))
    return compared === HTTP2_PREFACE.length ? 'http2' : 'need-more'
  const end = view.indexOf(LF)
  if (end < 0) {
    const canBe =
      isStartLine('request', view, view.length, false) || isStartLine('response', view, view.length, false)
    return canBe ? 'need-more' : 'none'
  }
  if (isStartLine('request', view, end, true)) return 'request'
  return isStartLine('response', view, end, true) ? 'response' : 'none'
}
