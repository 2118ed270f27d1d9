// SPDX-License-Identifier: Apache-2.0
/** What must hold whatever happens to the bytes: loss is seen, order within a direction is enough, nothing throws. */
import { describe, expect, it } from 'vitest'
import { fuzzHttp1 } from './fuzz.cases.js'
import { chunked, get, lines, ok, play, post, type Step } from './http1/http1.cases.js'

const CONVERSATION: readonly Step[] = [
  ['>', post('/a', 'question one')],
  ['<', ok('answer one')],
  ['>', post('/b', 'question two')],
  ['<', chunked('answer', ' two')],
  ['>', get('/c')],
  ['<', 'HTTP/1.1 100 Continue\r\n\r\n' + ok('answer three')],
  ['>', get('/d')],
  ['<', ok('answer four')],
]
const WHOLE = lines(play(CONVERSATION))

/** `length` bytes at `at` of one step replaced by a gap. */
function withHole(index: number, at: number, length: number): Step[] {
  const [arrow, data] = CONVERSATION[index] as ['>' | '<', string]
  const hole: Step[] = [
    [arrow, data.slice(0, at)],
    [arrow, Math.min(length, data.length - at)],
    [arrow, data.slice(at + length)],
  ]
  const steps = [...CONVERSATION]
  steps.splice(index, 1, ...hole.filter(([, piece]) => piece !== ''))
  return steps
}

describe('loss', () => {
  for (const length of [1, 7, 30, 1_000])
    it(`of ${length} bytes anywhere: the damaged exchange never says complete, the next but one recovers`, () => {
      CONVERSATION.forEach(([, data], index) => {
        for (let at = 0; at < (data as string).length; at++) {
          const got = lines(play(withHole(index, at, length)))
          const damaged = WHOLE[index >> 1]!
          const where = `step ${index} from ${at}: ${got.join(' | ')}`
          expect(got, where).not.toContain(damaged)
          for (const line of WHOLE.slice(0, index >> 1)) expect(got, where).toContain(line)
          for (const line of WHOLE.slice((index >> 1) + 2)) expect(got, where).toContain(line)
          for (const line of got)
            if (line.endsWith('completed/complete')) expect(WHOLE, where).toContain(line)
        }
      })
    })
})

describe('order', () => {
  /** One side's bytes, cut; an answer's pieces never older than the question. */
  it('does not matter between the directions as long as capture times are right', () => {
    const [sent, received] = ['>', '<'].map((side) =>
      CONVERSATION.flatMap(([arrow, data], index) =>
        arrow === side
          ? [...(data as string).match(/.{1,9}/gs)!].map((piece) => ({ arrow, piece, index }))
          : [],
      ),
    )
    for (let seed = 1; seed < 200; seed++) {
      const from = [[...sent!], [...received!]]
      const merged: { arrow: '>' | '<'; piece: string; index: number }[] = []
      let state = seed
      while (from[0]!.length + from[1]!.length > 0) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
        const [ask, answer] = [from[0]![0], from[1]![0]]
        // The client asks again only after the answer; the answer may be up to one exchange early.
        const mayAnswer = answer !== undefined && (ask === undefined || ask.index >= answer.index - 1)
        const mayAsk = ask !== undefined && (answer === undefined || answer.index > ask.index)
        const side = mayAsk && (!mayAnswer || (state >> 16) % 2 === 0) ? 0 : 1
        merged.push(from[side]!.shift()!)
      }
      const times = merged.map(({ index }) => index + 1)
      const steps = merged.map(({ arrow, piece }): Step => [arrow, piece])
      expect(lines(play(steps, { times })), `seed ${seed}`).toEqual(WHOLE)
    }
  })
})

describe('hostile input', () => {
  it('breaks no rule in some thousand random inputs', () => {
    expect(() => fuzzHttp1(1, 4_000)).not.toThrow()
  })

  it('bounds endless heads, many fields and endless lines, and recovers', () => {
    const endless = [
      'HTTP/1.1 200 OK\r\nX: ' + 'x'.repeat(300_000),
      'HTTP/1.1 200 OK\r\n' + 'a: b\r\n'.repeat(100_000),
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;' + 'x'.repeat(100_000),
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n' + 'a: b\r\n'.repeat(100_000),
    ]
    for (const head of endless) {
      const steps: Step[] = [
        ['>', get('/a')],
        ['<', head],
        ['>', get('/b')],
        ['<', ok('b')],
      ]
      for (const chunkSize of [Infinity, 1_000]) {
        const played = play(steps, { chunkSize })
        expect(lines(played).at(-1)).toBe('GET /b "" -> 200 "b" completed/complete')
        expect(played.exchanges[0]).toMatchObject({ outcome: 'unknown', completeness: 'limit' })
        expect(played.stats.get('messages.broken', 'limit')).toBe(1)
        expect(played.budget.peakBytes).toBeLessThan(1_500_000)
      }
    }
  })

  it('passes a 1 GB chunk on without holding it', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n'
    const piece = Buffer.alloc(1 << 20)
    const played = play([
      ['>', get('/a')],
      ['<', head],
      ['<', piece],
      ['<', piece],
    ])
    expect(played.exchanges[0]).toMatchObject({ outcome: 'truncated', completeness: 'complete' })
    expect(played.exchanges[0]!.responseBody.length).toBe(2 << 20)
    expect(played.budget.peakBytes).toBeLessThan(4_096)
  })

  it('holds no more than the budget gives', () => {
    const steps: Step[] = [
      ['>', get('/a').slice(0, -2)],
      ['<', ok('a')],
    ]
    const { budget } = play(steps, { chunkSize: 3 })
    expect(budget.peakBytes).toBeGreaterThan(0)
    expect(budget.usedBytes).toBe(0)
  })
})
