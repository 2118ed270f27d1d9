// SPDX-License-Identifier: Apache-2.0
/**
 * Random and hostile conversations through the protocol room. In: a seed. Out: nothing, or an error that names the seed of the one
 * input that broke a rule. Meant for a few thousand inputs in the unit tests and for millions in a fuzz command.
 * @module
 */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { createBudget } from '../stats.js'
import { chunked, get, lines, ok, play, post, type Step } from './http1/http1.cases.js'

type Random = (below: number) => number

/** Each input has a seed of its own, so that one can be repeated: `fuzzHttp1(seed, 1)`. */
export function fuzzHttp1(seed: number, count: number): void {
  for (let at = seed; at < seed + count; at++) {
    try {
      const random = randomFrom(at)
      if (random(4) === 0) loseSome(random)
      else playOne(random)
    } catch (cause) {
      throw new Error(`fuzz http1: seed ${at}`, { cause })
    }
  }
}

const GRAMMAR = /^ request( response| response-body| request-body| gap)* end$/
const REASONS = ['closed', 'exit', 'idle', 'limit', 'end'] as const

function playOne(random: Random): void {
  const budget = createBudget(random(4) === 0 ? 2_000 : 1 << 20)
  const steps = damage(conversation(random), random)
  const close = { reason: REASONS[random(REASONS.length)]!, peerClosed: random(2) === 0 }
  const chunkSize = random(3) === 0 ? Infinity : 1 + random(40)
  const played = play(steps, {
    close,
    chunkSize,
    budget,
    maxHeadBytes: 600,
    maxFields: 8,
    maxLineBytes: 60,
    maxDecodedBytes: 9_000,
  })
  if (budget.usedBytes !== 0) throw new Error(`${budget.usedBytes} bytes were never released`)
  for (const exchange of played.exchanges) {
    if (!GRAMMAR.test(exchange.grammar)) throw new Error(`grammar:${exchange.grammar}`)
    if (exchange.outcome === 'completed' && exchange.status === undefined)
      throw new Error('completed without an answer')
    if (exchange.completeness === 'complete' && exchange.missing > 0)
      throw new Error('complete with missing bytes')
  }
}

/** A clean conversation with holes only: what still says complete is exactly what it was without them. */
function loseSome(random: Random): void {
  const steps = conversation(random, WELL_FORMED)
  const whole = new Set(lines(play(steps)))
  for (let left = 1 + random(3); left > 0; left--) {
    const index = random(steps.length)
    const [arrow, data] = steps[index]!
    if (typeof data !== 'string') continue
    const from = random(data.length)
    const to = Math.min(data.length, from + 1 + random(random(2) === 0 ? 20 : data.length))
    const pieces: Step[] = [
      [arrow, data.slice(0, from)],
      [arrow, to - from],
      [arrow, data.slice(to)],
    ]
    steps.splice(index, 1, ...pieces.filter(([, piece]) => piece !== ''))
  }
  const budget = createBudget()
  for (const line of lines(play(steps, { chunkSize: 1 + random(60), budget })))
    if (line.endsWith('completed/complete') && !whole.has(line)) throw new Error(`damaged, but ${line}`)
  if (budget.usedBytes !== 0) throw new Error(`${budget.usedBytes} bytes were never released`)
}

/** How many of the answers below are whole and leave the connection in step. */
const WELL_FORMED = 6

function conversation(random: Random, kinds = Infinity): Step[] {
  const steps: Step[] = []
  for (let left = 1 + random(4); left > 0; left--) {
    const text = 'x'.repeat(random(80))
    steps.push(['>', random(2) === 0 ? get('/g?key=k') : post('/p', text)])
    const answers = [
      () => ok(text),
      () => chunked(text || 'y', 'tail'),
      () => coded('gzip', gzipSync(text.repeat(random(300)))),
      () => coded('deflate', deflateSync(text)),
      () => coded('br', brotliCompressSync(text)),
      () => 'HTTP/1.1 100 Continue\r\n\r\n' + ok(text),
      () => 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      () => `HTTP/1.1 200 OK\r\n\r\n${text}`,
      () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n${text}`,
      () => 'HTTP/1.1 200 OK\r\n' + 'a: b\r\n'.repeat(random(200)) + '\r\n',
    ]
    steps.push(['<', answers[random(Math.min(kinds, answers.length))]!()])
  }
  return steps
}

function coded(name: string, body: Buffer): string {
  return `HTTP/1.1 200 OK\r\nContent-Encoding: ${name}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString('latin1')}`
}

const SPLINTERS = [
  '\r\n',
  '\n',
  '0',
  ':',
  'HTTP/1.1 200 OK\r\n',
  'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
  '\0',
  'chunked',
  'ff\r\n',
]

/** Flips, inserts, cuts, loses and reorders. */
function damage(steps: Step[], random: Random): Step[] {
  for (let left = random(4); left > 0; left--) {
    const index = random(steps.length)
    const [arrow, data] = steps[index]!
    if (typeof data !== 'string') continue
    const at = random(data.length + 1)
    const before = data.slice(0, at)
    const kinds: Step[][] = [
      [[arrow, before + String.fromCharCode(random(256)) + data.slice(at + 1)]],
      [[arrow, before + SPLINTERS[random(SPLINTERS.length)]! + data.slice(at)]],
      [
        [arrow, before],
        [arrow, 1 + random(50)],
        [arrow, data.slice(at + random(50))],
      ],
      [[arrow, before]],
      [[random(2) === 0 ? '>' : '<', data]],
      [],
    ]
    steps.splice(index, 1, ...kinds[random(kinds.length)]!)
    if (steps.length === 0) return steps
  }
  return steps
}

/** Deterministic: a mixed counter (splitmix32). */
function randomFrom(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x9e3779b9) | 0
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) % below
  }
}
