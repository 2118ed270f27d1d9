// SPDX-License-Identifier: Apache-2.0
/**
 * The head of one HTTP/1 message (RFC 9112 2–6). In: lines. Out: start line, fields and how the body is framed, or undefined for
 * what is none of them. Pure; knows no connection.
 * @module
 */

export interface RawHead {
  startLine: string
  /** Lower-case names, original order. latin1: one character a byte (RFC 9110 5.5). */
  fields: [name: string, value: string][]
}

export interface RequestLine {
  method: string
  target: string
  protocol: string
}

export interface StatusLine {
  status: number
  protocol: string
}

/** RFC 9112 6.3: how long the body is. `contradiction`: nobody can know, so the connection cannot be followed. */
export type Framing =
  | { kind: 'none' }
  | { kind: 'length'; length: number }
  | { kind: 'chunked' }
  | { kind: 'close' }
  | { kind: 'tunnel' }
  | { kind: 'contradiction' }

const REQUEST_LINE = /^([A-Z][A-Z-]{1,19}) ([^\s\x00-\x1f\x7f]+) (HTTP\/1\.[01])$/
const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-9]\d\d)(?: .*)?$/
/** RFC 9110 5.1: token. A space before the colon is invalid (RFC 9112 5.1). */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export function parseFieldLine(line: string): [name: string, value: string] | undefined {
  const colon = line.indexOf(':')
  if (colon < 1) return undefined
  const name = line.slice(0, colon)
  return FIELD_NAME.test(name) ? [name.toLowerCase(), line.slice(colon + 1).trim()] : undefined
}

export function parseRequestLine(line: string): RequestLine | undefined {
  const match = REQUEST_LINE.exec(line)
  if (match === null) return undefined
  return { method: match[1]!, target: match[2]!, protocol: match[3]!.toLowerCase() }
}

export function parseStatusLine(line: string): StatusLine | undefined {
  const match = STATUS_LINE.exec(line)
  if (match === null) return undefined
  return { protocol: match[1]!.toLowerCase(), status: Number(match[2]) }
}

/** All values of a field, joined as RFC 9110 5.3 says; undefined when absent. */
export function fieldValue(fields: RawHead['fields'], name: string): string | undefined {
  const values = fields.filter(([key]) => key === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** A request without a length has no body (RFC 9112 6.3 rule 7); one whose last coding is not chunked has no end (rule 4). */
export function requestFraming(fields: RawHead['fields'], method: string): Framing {
  if (method === 'CONNECT') return { kind: 'none' }
  const framing = declaredFraming(fields)
  if (framing.kind !== 'close') return framing
  return { kind: fieldValue(fields, 'transfer-encoding') === undefined ? 'none' : 'contradiction' }
}

/** RFC 9112 6.3, rules 1–8 for responses. */
export function responseFraming(fields: RawHead['fields'], status: number, method: string): Framing {
  if (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)) return { kind: 'tunnel' }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' }
  return declaredFraming(fields)
}

/** Transfer-Encoding overrides Content-Length (RFC 9112 6.3 rule 3); differing lengths are an error (rule 5). */
function declaredFraming(fields: RawHead['fields']): Framing {
  const coding = fieldValue(fields, 'transfer-encoding')
  if (coding !== undefined)
    return /(^|,)\s*chunked\s*$/i.test(coding) ? { kind: 'chunked' } : { kind: 'close' }
  const declared = fieldValue(fields, 'content-length')
  if (declared === undefined) return { kind: 'close' }
  const values = declared.split(',').map((value) => value.trim())
  if (!values.every((value) => /^\d{1,15}$/.test(value))) return { kind: 'contradiction' }
  const [length = 0, ...others] = new Set(values.map(Number))
  if (others.length > 0) return { kind: 'contradiction' }
  return length === 0 ? { kind: 'none' } : { kind: 'length', length }
}

/** RFC 9112 7.1: hexadecimal size, then extensions, which nobody uses. */
export function parseChunkSize(line: string): number | undefined {
  const match = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(line)
  return match === null ? undefined : parseInt(match[1]!, 16)
}

/** Bodies quote start lines. What was found by searching needs a Host (RFC 9112 3.2), an answer any field at all. */
export function isProven(kind: 'request' | 'response', { fields }: RawHead): boolean {
  return kind === 'request' ? fieldValue(fields, 'host') !== undefined : fields.length > 0
}
