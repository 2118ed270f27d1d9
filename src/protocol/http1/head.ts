// SPDX-License-Identifier: Apache-2.0
/**
 * The head of one HTTP/1 message (RFC 9112 2–6). In: its bytes, up to and including the empty line. Out: start line, fields and
 * how the body is framed, or undefined for what is no head. Knows no connection.
 * @module
 */

export interface RawHead {
  startLine: string
  /** Lower-case names, original order. */
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

/** RFC 9112 6.3: how long the body is. */
export type Framing =
  | { kind: 'none' }
  | { kind: 'length'; length: number }
  | { kind: 'chunked' }
  | { kind: 'close' }
  | { kind: 'tunnel' }

const REQUEST_LINE = /^([A-Z][A-Z-]{1,19}) (\S+) (HTTP\/1\.[01])$/
const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-9]\d\d)(?: .*)?$/
/** RFC 9110 5.1: token. A space before the colon is invalid (RFC 9112 5.1). */
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/

/** Undefined when a line is no field line, or there are more than `maxFields`. */
export function parseHead(bytes: Buffer, maxFields: number): RawHead | undefined {
  // latin1 keeps one character a byte; header values are ASCII by grammar (RFC 9110 5.5).
  const lines = bytes.toString('latin1').split(/\r?\n/)
  const startLine = lines[0] ?? ''
  const fields: [string, string][] = []
  for (const line of lines.slice(1)) {
    if (line === '') break
    const last = fields.at(-1)
    if ((line[0] === ' ' || line[0] === '\t') && last !== undefined) {
      last[1] = `${last[1]} ${line.trim()}` // obs-fold, RFC 9112 5.2
      continue
    }
    const match = FIELD_LINE.exec(line)
    if (match === null || fields.length >= maxFields) return undefined
    fields.push([match[1]!.toLowerCase(), match[2]!])
  }
  return { startLine, fields }
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

/** Undefined: the fields contradict each other, so that nobody can know where the message ends. */
export function requestFraming(fields: RawHead['fields'], method: string): Framing | undefined {
  const framing = declaredFraming(fields)
  if (framing === undefined || method === 'CONNECT')
    return framing === undefined ? undefined : { kind: 'none' }
  return framing.kind === 'close' ? { kind: 'none' } : framing
}

/** RFC 9112 6.3, rules 1–8 for responses. */
export function responseFraming(
  fields: RawHead['fields'],
  status: number,
  method: string,
): Framing | undefined {
  if (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)) return { kind: 'tunnel' }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' }
  return declaredFraming(fields)
}

/** Transfer-Encoding overrides Content-Length (RFC 9112 6.3 rule 3); differing lengths are an error (rule 5). */
function declaredFraming(fields: RawHead['fields']): Framing | undefined {
  const coding = fieldValue(fields, 'transfer-encoding')
  if (coding !== undefined)
    return /(^|,)\s*chunked\s*$/i.test(coding) ? { kind: 'chunked' } : { kind: 'close' }
  const declared = fieldValue(fields, 'content-length')
  if (declared === undefined) return { kind: 'close' }
  const lengths = new Set(declared.split(',').map((value) => value.trim()))
  const [length] = lengths
  if (lengths.size !== 1 || length === undefined || !/^\d{1,15}$/.test(length)) return undefined
  return Number(length) === 0 ? { kind: 'none' } : { kind: 'length', length: Number(length) }
}
