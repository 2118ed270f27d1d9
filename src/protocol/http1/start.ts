// SPDX-License-Identifier: Apache-2.0
/**
 * Where an HTTP/1 message can begin. In: bytes. Out: is this a start line, or where is the next one. Pure.
 * @module
 */
import { parseRequestLine, parseStatusLine } from './head.js'

export type MessageKind = 'request' | 'response'

/** Longest request line that is looked for behind damage, and how much is kept when one may be cut. */
const MAX_START_LINE_BYTES = 8192
const LF = 10

/** RFC 9110 9 and RFC 5789; WebDAV and others never reach a model. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']
const REQUEST_BEGINNING = /(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH) [\x21-\x7e]+ $/

/** `view` from its first byte to `end`: a start line, or (when not whole) still possibly the beginning of one. */
export function isStartLine(kind: MessageKind, view: Buffer, end: number, isWhole: boolean): boolean {
  const line = view.toString('latin1', 0, Math.min(end, MAX_START_LINE_BYTES)).replace(/\r$/, '')
  if (isWhole) return (kind === 'request' ? parseRequestLine(line) : parseStatusLine(line)) !== undefined
  if (end > MAX_START_LINE_BYTES) return false
  if (kind === 'response') return isPrefix(line, 'HTTP/1.')
  const method = line.slice(0, 20).split(' ', 1)[0]!
  return line.includes(' ') ? METHODS.includes(method) : METHODS.some((known) => known.startsWith(method))
}

/** Both have the same beginning as far as both go. */
function isPrefix(line: string, beginning: string): boolean {
  const length = Math.min(line.length, beginning.length)
  return line.slice(0, length) === beginning.slice(0, length)
}

/** `at`: where the next start line begins, or from where on bytes must be kept because one may be cut. */
export function findStart(kind: MessageKind, view: Buffer): { isFound: boolean; at: number } {
  for (let at = view.indexOf('HTTP/1.'); at >= 0; at = view.indexOf('HTTP/1.', at + 1)) {
    const end = view.indexOf(LF, at)
    const begin = kind === 'response' ? at : beginOfRequestLine(view, at)
    if (begin < 0) continue
    // Cut behind the version: not to be judged yet.
    if (end < 0) return { isFound: false, at: Math.max(begin, view.length - MAX_START_LINE_BYTES) }
    if (isStartLine(kind, view.subarray(begin), end - begin, true)) return { isFound: true, at: begin }
  }
  return { isFound: false, at: Math.max(0, view.length - (kind === 'response' ? 7 : MAX_START_LINE_BYTES)) }
}

/** Where the method of a request line ends whose version stands at `at`; -1 when there is none. */
function beginOfRequestLine(view: Buffer, at: number): number {
  const from = Math.max(0, at - MAX_START_LINE_BYTES)
  const match = REQUEST_BEGINNING.exec(view.toString('latin1', from, at))
  return match === null ? -1 : from + match.index
}
