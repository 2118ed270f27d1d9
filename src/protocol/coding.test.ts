// SPDX-License-Identifier: Apache-2.0
import { brotliCompressSync, constants, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createBudget } from '../stats.js'
import { createBodyDecoder } from './coding.js'
import { lines, play, type PlaySettings, type Played, type Step } from './http1/http1.cases.js'

const TEXT = '{"answer":"' + 'all work and no play '.repeat(40) + '"}'

function answered(coding: string, body: Buffer, settings: PlaySettings = {}): Played {
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`
  const steps: Step[] = [
    ['>', 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['<', Buffer.concat([Buffer.from(head), body])],
  ]
  return play(steps, settings)
}

const CODED: Record<string, Buffer> = {
  gzip: gzipSync(TEXT),
  'X-GZIP': gzipSync(TEXT),
  deflate: deflateSync(TEXT),
  br: brotliCompressSync(TEXT),
  'gzip, br': brotliCompressSync(gzipSync(TEXT)),
  identity: Buffer.from(TEXT),
}

describe('content codings', () => {
  for (const [name, body] of Object.entries({ ...CODED, 'deflate ': deflateRawSync(TEXT) }))
    it(`undoes ${name} at any chunk size`, () => {
      for (const chunkSize of [1, 2, 3, 7, 64, Infinity]) {
        const played = answered(name, body, { chunkSize })
        expect(lines(played)).toEqual([`GET /a "" -> 200 "${TEXT}" completed/complete`])
        expect(played.budget.usedBytes).toBe(0)
      }
    })

  it('passes an unknown coding on as it is, and counts it', () => {
    const played = answered('zstd', Buffer.from('coded'))
    expect(played.exchanges[0]!.responseBody).toBe('coded')
    expect(played.stats.get('bodies.undecodable', 'unknown_coding')).toBe(1)
  })

  it('gives each event with the bytes that complete it', async () => {
    const { decoder } = createBodyDecoder([['content-encoding', 'gzip']], 1 << 20, createBudget())
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
    const coded: Buffer[] = []
    gzip.on('data', (piece: Buffer) => coded.push(piece))
    for (const event of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
      await new Promise((done) => gzip.write(event, done))
      const out = coded.splice(0).flatMap((piece) => decoder!.write(piece)!)
      expect(Buffer.concat(out).toString()).toBe(event)
    }
  })

  it('stops a bomb at the limit, without unpacking it', () => {
    for (const body of [gzipSync(Buffer.alloc(30 << 20)), brotliCompressSync(Buffer.alloc(30 << 20))]) {
      const played = answered(body[0] === 0x1f ? 'gzip' : 'br', body, {
        maxDecodedBytes: 1 << 20,
        chunkSize: 500,
      })
      expect(played.exchanges[0]).toMatchObject({ outcome: 'completed', completeness: 'limit' })
      expect(played.exchanges[0]!.responseBody.length).toBeLessThanOrEqual(1 << 20)
      expect(played.stats.get('bodies.undecodable', 'limit')).toBe(1)
    }
  })

  it('calls damaged coding invalid and stops', () => {
    const body = gzipSync(TEXT)
    body.fill(0xff, 20, 40)
    expect(answered('gzip', body).exchanges[0]).toMatchObject({
      outcome: 'invalid',
      completeness: 'complete',
    })
  })

  it('calls a coded body that is cut by its own framing invalid', () => {
    for (const name of ['gzip', 'deflate', 'br'])
      expect(answered(name, CODED[name]!.subarray(0, -12)).exchanges[0]!.outcome).toBe('invalid')
    expect(answered('gzip', Buffer.alloc(0)).exchanges[0]!.outcome).toBe('completed')
  })

  it('gives no more body after a gap', () => {
    const body = gzipSync(TEXT)
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`
    const played = play([
      ['>', 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n'],
      ['<', head],
      ['<', body.subarray(0, 20)],
      ['<', 10],
      ['<', body.subarray(30)],
    ])
    expect(played.exchanges[0]).toMatchObject({ outcome: 'completed', completeness: 'gap', missing: 10 })
    expect(played.events.at(-2)!.kind).toBe('gap')
  })

  it('decodes nothing when the budget is used up', () => {
    const played = answered('gzip', gzipSync(TEXT), { budget: createBudget(10_000) })
    expect(played.exchanges[0]).toMatchObject({ completeness: 'limit', responseBody: '' })
  })
})
