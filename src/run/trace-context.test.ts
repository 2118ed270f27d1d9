// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseTraceparent, parseTracestate } from './trace-context.js'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('parseTraceparent', () => {
  it('reads version 00 and its flags', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`, undefined)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
      isRemote: true,
    })
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`, undefined)?.traceFlags).toBe(0)
  })

  it('keeps only the flags that are defined', () =>
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-ff`, undefined)?.traceFlags).toBe(3))

  it('reads a later version and skips what it adds', () =>
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be`, undefined)?.spanId).toBe(SPAN))

  it.each([
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more after version 00', `00-${TRACE}-${SPAN}-01-x`],
    ['a later version without the dash', `cc-${TRACE}-${SPAN}-01x`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a zero trace id', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a zero span id', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['a space in front', ` 00-${TRACE}-${SPAN}-01`],
    ['two headers in one', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
    ['nothing', ''],
  ])('refuses %s', (_, header) => expect(parseTraceparent(header, 'a=1')).toBeUndefined())

  it('keeps the parent when only the state is malformed', () => {
    const context = parseTraceparent(`00-${TRACE}-${SPAN}-01`, 'no equals sign')
    expect(context?.traceId).toBe(TRACE)
    expect(context?.traceState).toBeUndefined()
  })
})

describe('parseTracestate', () => {
  it.each([
    ['vendor=1', 'vendor=1'],
    ['a=1, b=2\t,,c=3', 'a=1,b=2,c=3'],
    ['fw529a3039@dt=FfffffX;0', 'fw529a3039@dt=FfffffX;0'],
  ])('%j', (header, expected) => expect(parseTracestate(header)).toBe(expected))

  it.each([
    ['empty', ''],
    ['an upper-case key', 'Vendor=1'],
    ['no value', 'a='],
    ['an equals sign in the value', 'a=1=2'],
    ['a key twice', 'a=1,a=2'],
    ['33 members', Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(',')],
    ['513 characters', `a=${'x'.repeat(255)},b=${'x'.repeat(254)}`],
    ['a line break', 'a=1\nb=2'],
  ])('refuses %s', (_, header) => expect(parseTracestate(header)).toBeUndefined())
})
