// SPDX-License-Identifier: Apache-2.0
/**
 * The cases every provider must pass. In: one fixture per provider, in wire bytes. Out: tests. A skipped case needs a reason.
 * @module
 */
import { describe, expect, it } from 'vitest'
import type { HeaderList } from '../protocol/types.js'
import { RESPONSE_UNIX_NANO, decode, withoutTime, type Wire } from './wire.cases.js'

export interface ProviderFixture {
  name: string
  path: string
  ownHost: string
  /** Names the model `m-1`, asks for a stream; holds a character of several bytes. */
  request: string
  /** Whole answer of model `m-1-2026`, id `id-1`, text `Grüße 世界`, finished. */
  whole: string
  /** The same answer streamed, with usage. */
  stream: string
  /** Byte position right before the line of an event with text in `stream`. */
  firstText: string
  errorBody: string
  errorType: string
  errorMessage: string
  /** One mid-stream error event. */
  errorEvent: string
  errorEventType: string
}

type CaseName =
  | 'truncated request'
  | 'truncated answer'
  | 'error status'
  | 'empty stream'
  | 'unknown model'
  | 'huge body'
  | 'abort'
  | 'gap'
  | 'wrong content type'
  | 'non-JSON'
  | 'hostile JSON'
  | 'unreadable body'
  | 'chunking'

/** `skips`: case → why it cannot apply to this provider. */
export function describeProvider(
  fixture: ProviderFixture,
  skips: Partial<Record<CaseName, string>> = {},
): void {
  const base: Wire = { path: fixture.path, request: fixture.request, status: 200 }
  const streamed: Wire = { ...base, response: fixture.stream, type: 'text/event-stream; charset=utf-8' }
  const text = [{ type: 'text', content: 'Grüße 世界' }]
  const cases: Record<CaseName, () => void> = {
    'truncated request'() {
      const { event } = decode({
        ...base,
        request: fixture.request.slice(0, -5),
        outcome: 'aborted',
        status: undefined,
      })
      expect(event.request.model).toBe('m-1')
      expect(event.request.inputMessages).toBeUndefined()
      expect(event.error).toEqual({ type: 'cancelled', message: undefined })
      expect(event.httpStatus).toBeUndefined()
    },
    'truncated answer'() {
      const { event } = decode({ ...base, response: fixture.whole.slice(0, -3), outcome: 'truncated' })
      expect(event.error?.type).toBe('connection_closed')
      expect(event.response.model).toBe('m-1-2026')
      expect(event.response.id).toBe('id-1')
    },
    'error status'() {
      const { event } = decode({ ...base, status: 429, response: fixture.errorBody })
      expect(event.error).toEqual({ type: fixture.errorType, message: fixture.errorMessage })
      expect(event.response.outputMessages).toBeUndefined()
      expect(event.usage).toBeUndefined()
      const html = decode({
        ...base,
        status: 502,
        type: 'text/html',
        response: '<html>Bad gateway</html>',
      }).event
      expect(html.error).toEqual({ type: '502', message: undefined })
      const sentence = fixture.errorBody.replaceAll(fixture.errorType, 'Key sk-123456 is wrong')
      expect(decode({ ...base, status: 401, response: sentence }).event.error?.type).not.toContain('sk-')
    },
    'empty stream'() {
      const { event } = decode({ ...streamed, response: '' })
      expect(event.error).toEqual({ type: '_OTHER', message: undefined })
      expect(event.response.finishReasons).toBeUndefined()
      expect(event.firstChunkUnixNano).toBeUndefined()
      expect(decode({ ...streamed, response: ': comment\n\n\n\n' }).event.error?.type).toBe('_OTHER')
    },
    'unknown model'() {
      const named = decode({ ...base, request: fixture.request.replace('m-1', 'nobody/knows:this') })
      expect(named.event.request.model).toBe('nobody/knows:this')
      const wrong = decode({ ...base, request: fixture.request.replace('"m-1"', '{"toString":1}') })
      expect(wrong.event.request.model).toBeUndefined()
      expect(
        decode({ ...base, request: fixture.request.replace('m-1', 'x'.repeat(300)) }).event.request.model,
      ).toBeUndefined()
    },
    'huge body'() {
      const filler = `"filler":"${'x'.repeat(4096)}",`
      const request = fixture.request.replace('"messages"', `${filler}"messages"`)
      const { event, stats } = decode({ ...base, request, response: fixture.whole }, { maxBodyBytes: 2048 })
      expect(event.completeness).toBe('limit')
      expect(event.missingBytes).toBe(Buffer.byteLength(request) - 2048)
      expect(event.request).toMatchObject({ model: 'm-1', bodyBytes: Buffer.byteLength(request) })
      expect(event.response.model).toBe('m-1-2026')
      expect(stats.get('bodies.cut', 'max_body_bytes')).toBe(1)
      const starved = decode(streamed, { budgetBytes: 16 })
      expect(starved.event.completeness).toBe('limit')
      expect(starved.budget.peakBytes).toBeLessThanOrEqual(16)
    },
    abort() {
      const cut = fixture.stream.indexOf(fixture.firstText)
      const { event } = decode({ ...streamed, response: fixture.stream.slice(0, cut), outcome: 'aborted' })
      expect(event.error).toEqual({ type: 'cancelled', message: undefined })
      expect(event.completeness).toBe('complete')
      expect(event.response.finishReasons).toBeUndefined()
      // Clients close the connection when they have read the terminal event: nothing was cancelled.
      expect(decode({ ...streamed, outcome: 'aborted' }).event.error).toBeUndefined()
      expect(decode({ ...base, outcome: 'truncated' }).event.error?.type).toBe('connection_closed')
      expect(decode({ ...base, outcome: 'invalid' }).event.error?.type).toBe('_OTHER')
      expect(decode({ ...base, outcome: 'unknown', status: undefined }).event.error).toBeUndefined()
    },
    gap() {
      const inRequest = decode({
        ...base,
        response: fixture.whole,
        requestGapAt: fixture.request.length - 8,
        gapBytes: 4,
      })
      expect(inRequest.event.request.model).toBe('m-1')
      expect(inRequest.event.completeness).toBe('gap')
      expect(inRequest.event.missingBytes).toBe(4)
      const bytes = Buffer.from(fixture.stream)
      for (let at = 0; at < bytes.length; at += 7) {
        const { event } = decode({
          ...streamed,
          responseGapAt: at,
          gapBytes: Math.min(40, bytes.length - at),
        })
        expect(event.completeness).toBe('gap')
        for (const part of event.response.outputMessages?.[0]?.parts ?? [])
          if (part.type === 'text') expect('Grüße 世界').toContain(part.content)
      }
    },
    'wrong content type'() {
      for (const type of ['application/json', 'text/plain', ''])
        expect(withoutTime(decode({ ...streamed, type }).event)).toEqual(withoutTime(decode(streamed).event))
      const json = decode({ ...base, response: fixture.whole, type: 'text/event-stream' }).event
      expect(json.response.outputMessages?.[0]?.parts).toEqual(text)
      expect(json.firstChunkUnixNano).toBeUndefined()
    },
    'non-JSON'() {
      const ignored = decode({ ...base, request: 'hello=world' })
      expect(ignored.events).toEqual([])
      expect(ignored.stats.get('exchanges.ignored', 'not_ai')).toBe(1)
      for (const request of ['[]', '"x"', '{}', '{"messages":"hi"}', '{"messages":["hi"],"model":"m-1"}'])
        expect(decode({ ...base, request }).events).toEqual([])
      const failed = decode({
        ...base,
        host: fixture.ownHost,
        request: 'hello',
        status: 400,
        response: fixture.errorBody,
      })
      expect(failed.event.error?.type).toBe(fixture.errorType)
      expect(decode({ ...base, response: '<html>log in</html>', type: 'text/html' }).event.error?.type).toBe(
        '_OTHER',
      )
    },
    'hostile JSON'() {
      const deep = '['.repeat(10_000) + ']'.repeat(10_000)
      const hostile = fixture.request.replace(
        '"m-1"',
        '"m-1","tools":[{"name":"t","x":1}],"temperature":"hot","top_p":1e999',
      )
      const request = hostile.replace(
        '"messages":[',
        `"deep":${deep},"messages":[{"role":"user","content":[{"type":"new","v":${deep}}]},`,
      )
      const { event } = decode({ ...base, request, response: fixture.whole })
      expect(event.request.temperature).toBeUndefined()
      expect(event.request.topP).toBeUndefined()
      expect(event.request.inputMessages?.[0]?.parts[0]).toMatchObject({
        type: 'generic',
        generic_type: 'new',
      })
      expect(() => JSON.stringify(event.request)).not.toThrow()
      const counts = fixture.whole.replace(/("(?:input|output|prompt|completion)_tokens":)\d+/g, '$1-1')
      expect(decode({ ...base, response: counts }).event.usage?.inputTokens).toBeUndefined()
      expect(
        decode({ ...base, response: `{"error":${deep},"id":7,"model":[],"choices":{},"content":1}` }).event
          .response.id,
      ).toBeUndefined()
    },
    'unreadable body'() {
      const zstd = Buffer.from('28b52ffd0458', 'hex')
      const coded: HeaderList = [['content-encoding', 'zstd']]
      for (const coding of ['zstd', 'gzip, zstd', 'br, br, br, br']) {
        const responseHeaders: HeaderList = [['content-encoding', coding]]
        const { event } = decode({ ...base, responseHeaders, response: zstd })
        expect(event).toMatchObject({ completeness: 'metadata', missingBytes: 0, error: undefined })
        expect(event.usage).toBeUndefined()
      }
      // Perhaps an answer in a shape that is not known here yet.
      expect(decode({ ...base, response: '{"foo":1}' }).event).toMatchObject({
        completeness: 'metadata',
        error: undefined,
      })
      // No answer of any kind: clients of the API fail on it.
      for (const response of ['[]', 'true', 'hello', '<html>log in</html>'])
        expect(decode({ ...base, response }).event).toMatchObject({
          completeness: 'metadata',
          error: { type: '_OTHER' },
        })
      const request = decode({ ...base, requestHeaders: coded, request: zstd, response: fixture.whole }).event
      expect(request).toMatchObject({ completeness: 'metadata', response: { model: 'm-1-2026' } })
      // What was read, what says by its status all there is, and what is empty is complete.
      const gzip: HeaderList = [['content-encoding', 'GZIP, br']]
      for (const wire of [
        { responseHeaders: gzip, response: fixture.whole },
        { responseHeaders: coded, response: '' },
        { status: 502, response: '<html>Bad gateway</html>' },
        { status: 429, response: fixture.errorBody },
        { response: '' },
      ])
        expect(decode({ ...base, ...wire }).event.completeness).toBe('complete')
      const lost = decode({ ...base, response: '{"foo":1}', responseGapAt: 2, gapBytes: 3 }).event
      expect(lost.completeness).toBe('gap')
    },
    chunking() {
      const whole = decode(streamed).event
      expect(whole.response.outputMessages?.[0]?.parts).toEqual(text)
      expect(whole.response).toMatchObject({ id: 'id-1', model: 'm-1-2026', finishReasons: ['stop'] })
      expect(whole.usage?.inputTokens).toBeGreaterThan(0)
      expect(whole.error).toBeUndefined()
      const expected = withoutTime(whole)
      for (let chunkBytes = 1; chunkBytes <= fixture.stream.length; chunkBytes++)
        expect(withoutTime(decode({ ...streamed, chunkBytes }).event)).toEqual(expected)
      const firstText = Buffer.byteLength(fixture.stream.slice(0, fixture.stream.indexOf(fixture.firstText)))
      const time = decode({ ...streamed, chunkBytes: 1 }).event.firstChunkUnixNano!
      expect(time).toBeGreaterThan(RESPONSE_UNIX_NANO + BigInt(firstText))
      const crlf = fixture.stream.replaceAll('\n', '\r\n')
      for (const chunkBytes of [1, 2, 3, 50, 10_000])
        expect(decode({ ...streamed, response: crlf, chunkBytes }).event.response.outputMessages).toEqual(
          whole.response.outputMessages,
        )
    },
  }
  describe(`${fixture.name}: the cases of every provider`, () => {
    for (const [name, run] of Object.entries(cases)) {
      const reason = skips[name as CaseName]
      if (reason === undefined) it(name, run)
      else it.skip(`${name} (${reason})`, run)
    }
    it('mid-stream error event', () => {
      const at = fixture.stream.indexOf(fixture.firstText)
      const { event } = decode({
        ...streamed,
        response: fixture.stream.slice(0, at) + fixture.errorEvent,
        outcome: 'truncated',
      })
      expect(event.error?.type).toBe(fixture.errorEventType)
    })
  })
}
