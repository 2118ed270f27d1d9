// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  backoffMs,
  DEFAULT_RETRY,
  isRetryableGrpc,
  isRetryableHttp,
  isUnsupportedHttp,
  parseRetryAfter,
  retryDelayMs,
} from './retry.js'

describe('isRetryableGrpc', () => {
  it.each([1, 4, 10, 11, 14, 15])('retries code %i', (code) => {
    expect(isRetryableGrpc(code, false)).toBe(true)
  })

  it.each([2, 3, 5, 6, 7, 9, 12, 13, 16])('drops code %i, with RetryInfo too', (code) => {
    expect(isRetryableGrpc(code, false)).toBe(false)
    expect(isRetryableGrpc(code, true)).toBe(false)
  })

  it('retries RESOURCE_EXHAUSTED only with RetryInfo', () => {
    expect(isRetryableGrpc(8, false)).toBe(false)
    expect(isRetryableGrpc(8, true)).toBe(true)
  })
})

describe('HTTP statuses', () => {
  it('sorts every status into retry, signal off, or drop', () => {
    const all = Array.from({ length: 300 }, (_, index) => 300 + index)
    expect(all.filter(isRetryableHttp)).toEqual([429, 502, 503, 504])
    expect(all.filter(isUnsupportedHttp)).toEqual([404, 405, 415])
  })
})

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')

  it.each([
    ['7', 7_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected)
  })
})

describe('backoffMs', () => {
  it('doubles up to the maximum, jittered over the upper half', () => {
    const low = [1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffMs(attempt, 0, DEFAULT_RETRY))
    const high = [1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffMs(attempt, 0.999_999, DEFAULT_RETRY))
    expect(low).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
    expect(high).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })
})

describe('retryDelayMs', () => {
  it.each([
    ['nothing', undefined, 8_000, 8_000],
    ['a time', 7_000, 500, 7_000],
    ['a time shorter than our own', 7_000, 30_000, 7_000],
    ['no time', 0, 8_000, 1_000],
    ['no time, at first', 0, 500, 500],
    ['a year', 31_536_000_000, 500, 300_000],
  ])('asked for %s', (_name, asked, backoff, expected) => {
    expect(retryDelayMs(asked, backoff, DEFAULT_RETRY)).toBe(expected)
  })
})
