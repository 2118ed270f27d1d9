// SPDX-License-Identifier: Apache-2.0
/**
 * W3C Trace Context as a captured request carries it. In: the two header values as sent. Out: a remote span context, or
 * undefined when the header breaks the grammar. Follows https://www.w3.org/TR/trace-context/ 3.2 and 3.3.
 * @module
 */
import type { SpanContext } from './types.js'

export type RemoteContext = SpanContext & { traceState?: string }

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const ZEROS = /^0+$/
const MAX_TRACESTATE_MEMBERS = 32
/** 3.3.1.5: a propagator carries at least this much; more we do not keep. */
const MAX_TRACESTATE_CHARACTERS = 512
/** 3.3.1.3.1: simple key, or tenant@system. */
const STATE_KEY = /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$/
/** 3.3.1.3.2: printable ASCII without comma and equals sign, not ending in a space. */
const STATE_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

export function parseTraceparent(
  traceparent: string,
  tracestate: string | undefined,
): RemoteContext | undefined {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(traceparent) ?? []
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return undefined
  // 3.2.2.3: version 00 ends here; a later one may add fields behind a dash. 3.2.2.1: ff is never valid.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined
  const traceState = tracestate === undefined ? undefined : parseTracestate(tracestate)
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 0x03,
    isRemote: true,
    ...(traceState === undefined ? {} : { traceState }),
  }
}

/** Undefined when any member is malformed: the list is then dropped as a whole and the traceparent stays (3.3.1.5). */
export function parseTracestate(tracestate: string): string | undefined {
  if (tracestate.length > MAX_TRACESTATE_CHARACTERS) return undefined
  const members = tracestate
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))))
  if (members.length === 0 || members.length > MAX_TRACESTATE_MEMBERS || keys.size < members.length)
    return undefined
  return members.every(isMember) ? members.join(',') : undefined
}

function isMember(member: string): boolean {
  const equals = member.indexOf('=')
  return equals > 0 && STATE_KEY.test(member.slice(0, equals)) && STATE_VALUE.test(member.slice(equals + 1))
}
