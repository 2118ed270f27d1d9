// SPDX-License-Identifier: Apache-2.0
/**
 * Where an HTTP/1 message can begin. In: bytes. Out: is this a start line, or where is the next one. Pure, and linear in the
 * bytes it is given: most TLS traffic that passes here is not HTTP.
 * @module
 */
import { parseRequestLine, parseStatusLine } from './head.js'

export type MessageKind = 'request' | 'response'

/** RFC 9112 3 recommends to support at least 8,000. */
export const MAX_START_LINE_BYTES = 8192

const LF = 10
const CR = 13
const SPACE = 32

/** RFC 9110 9 and RFC 5789; WebDAV and others never reach a model. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']
const LONGEST_METHOD = 7
const BEGINNINGS = METHODS.flatMap((method) => [...method].map((_, at) => method.slice(0, at + 1)))
/** What may be the beginning of a request line that is cut at the end of the bytes. */
const CUT_REQUEST_LINE = new RegExp(
  `(?:(?:${METHODS.join('|')}) (?:[\\x21-\\x7e]+(?: [HTP/.01\\r]{0,9})?)?|${BEGINNINGS.join('|')})$`,
)
/** `HTTP/1.1 200` and one byte more. */
const STATUS_BEGINNING_BYTES = 13
/** What may be the beginning of that, cut at the end of the bytes. */
const CUT_STATUS_LINE = new RegExp(
  ['H', 'T', 'T', 'P', '/', '1', '\\.', '[01]', ' ', '[1-9]', '\\d', '\\d'].reduceRight(
    (rest, next) => `${next}(?:${rest})?`,
    '',
  ) + '$',
)
const STATUS_BEGINNING = /^HTTP\/1\.[01] [1-9]\d\d[ \r\n]/

/** A start line without its line end. */
export function isStartLine(kind: MessageKind, line: string): boolean {
  if (line.length > MAX_START_LINE_BYTES) return false
  if (kind === 'response') return parseStatusLine(line) !== undefined
  const method = parseRequestLine(line)?.method
  return method !== undefined && METHODS.includes(method)
}

/** Not a whole line yet: can more bytes still make it a start line? Looks at its first bytes only. */
export function canBecomeStartLine(kind: MessageKind, view: Buffer): boolean {
  if (view.length > MAX_START_LINE_BYTES) return false
  const beginning = view.toString('latin1', 0, LONGEST_METHOD + 1)
  if (kind === 'response') return 'HTTP/1.'.startsWith(beginning.slice(0, 7))
  const space = beginning.indexOf(' ')
  return space < 0 ? BEGINNINGS.includes(beginning) : METHODS.includes(beginning.slice(0, space))
}

/** `at`: where the next start line begins, or from where on bytes must be kept because one may be cut there. */
export function findStart(kind: MessageKind, view: Buffer): { isFound: boolean; at: number } {
  for (let at = view.indexOf('HTTP/1.'); at >= 0; at = view.indexOf('HTTP/1.', at + 1)) {
    const begin = kind === 'response' ? beginOfStatusLine(view, at) : beginOfRequestLine(view, at)
    if (begin >= 0) return { isFound: true, at: begin }
  }
  const [longest, cutLine] =
    kind === 'response' ? [STATUS_BEGINNING_BYTES, CUT_STATUS_LINE] : [MAX_START_LINE_BYTES, CUT_REQUEST_LINE]
  const tail = view.toString('latin1', Math.max(0, view.length - longest))
  return { isFound: false, at: view.length - (cutLine.exec(tail)?.[0].length ?? 0) }
}

function beginOfStatusLine(view: Buffer, at: number): number {
  return STATUS_BEGINNING.test(view.toString('latin1', at, at + STATUS_BEGINNING_BYTES)) ? at : -1
}

/** Walks back from the version at `at` over the target to the method; -1 when this is no request line. */
function beginOfRequestLine(view: Buffer, at: number): number {
  const minor = view[at + 7]
  const end = view[at + 8] === CR ? at + 9 : at + 8
  if ((minor !== 0x30 && minor !== 0x31) || view[end] !== LF || view[at - 1] !== SPACE) return -1
  const lowest = Math.max(0, at - MAX_START_LINE_BYTES)
  let space = at - 2
  while (space >= lowest && view[space]! > SPACE && view[space]! < 0x7f) space--
  if (space < lowest || view[space] !== SPACE || space === at - 2) return -1
  const before = view.toString('latin1', Math.max(0, space - LONGEST_METHOD), space)
  // The longest that fits: no method is the end of another.
  const method = METHODS.find((known) => before.endsWith(known))
  return method === undefined ? -1 : space - method.length
}
