// SPDX-License-Identifier: Apache-2.0
/** Literal bytes beside what comes of them, each at every chunk size (llhttp's law). */
import { describe, expect, it } from 'vitest'
import { chunked, get, lines, ok, play, post, type PlaySettings, type Step } from './http1.cases.js'

const OK = ok('answer')
const CASES: Record<string, { steps: Step[]; expected: string[]; settings?: PlaySettings }> = {
  'keep-alive': {
    steps: [
      ['>', post('/a', 'ask')],
      ['<', OK],
      ['>', get('/b')],
      ['<', ok('')],
    ],
    expected: ['POST /a "ask" -> 200 "answer" completed/complete', 'GET /b "" -> 200 "" completed/complete'],
  },
  pipelining: {
    steps: [
      ['>', post('/a', '1') + post('/b', '2')],
      ['<', ok('one') + ok('two')],
    ],
    expected: ['POST /a "1" -> 200 "one" completed/complete', 'POST /b "2" -> 200 "two" completed/complete'],
  },
  'chunked with extensions and trailers': {
    steps: [
      ['>', get('/a')],
      [
        '<',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x="y"\r\nhello\r\n3 \r\n, w\r\n0;z\r\nTrailer: t\r\n\r\n',
      ],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: [
      'GET /a "" -> 200 "hello, w" completed/complete',
      'GET /b "" -> 200 "answer" completed/complete',
    ],
  },
  'chunked request': {
    steps: [
      ['>', 'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nask\r\n0\r\n\r\n'],
      ['<', OK],
    ],
    expected: ['POST /a "ask" -> 200 "answer" completed/complete'],
  },
  'HEAD, 204 and 304 have no body': {
    steps: [
      ['>', 'HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n'],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n'],
      ['>', get('/b')],
      ['<', 'HTTP/1.1 204 No Content\r\n\r\n'],
      ['>', get('/c')],
      ['<', 'HTTP/1.1 304\r\nContent-Length: 5\r\n\r\n'],
      ['>', get('/d')],
      ['<', OK],
    ],
    expected: [
      'HEAD /a "" -> 200 "" completed/complete',
      'GET /b "" -> 204 "" completed/complete',
      'GET /c "" -> 304 "" completed/complete',
      'GET /d "" -> 200 "answer" completed/complete',
    ],
  },
  '100-continue and early hints': {
    steps: [
      ['>', 'POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'],
      ['<', 'HTTP/1.1 100 Continue\r\n\r\n'],
      ['>', 'ask'],
      ['<', 'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n' + OK],
    ],
    expected: ['POST /a "ask" -> 200 "answer" completed/complete'],
  },
  'refused before its body': {
    steps: [
      ['>', 'POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'],
      ['<', 'HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['POST /a "" -> 417 "" completed/complete', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'delimited by close': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.0 200 OK\r\n\r\nto the end'],
    ],
    expected: ['GET /a "" -> 200 "to the end" completed/complete'],
  },
  'delimited by a close of the client': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.0 200 OK\r\n\r\nto the end'],
    ],
    settings: { close: { reason: 'closed', peerClosed: false } },
    expected: ['GET /a "" -> 200 "to the end" aborted/complete'],
  },
  'delimited by close, exit': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.0 200 OK\r\n\r\nto the end'],
    ],
    settings: { close: { reason: 'exit', peerClosed: false } },
    expected: ['GET /a "" -> 200 "to the end" aborted/gap'],
  },
  'aborted by the client': {
    steps: [
      ['>', post('/a', 'ask')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal'],
    ],
    settings: { close: { reason: 'closed', peerClosed: false } },
    expected: ['POST /a "ask" -> 200 "hal" aborted/complete'],
  },
  'truncated by the server': {
    steps: [
      ['>', post('/a', 'ask')],
      ['<', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhal'],
    ],
    expected: ['POST /a "ask" -> 200 "hal" truncated/complete'],
  },
  'no end of input': {
    steps: [['>', post('/a', 'ask')]],
    settings: { close: { reason: 'end', peerClosed: false } },
    expected: ['POST /a "ask" -> - "" unknown/gap'],
  },
  'bare LF, obs-fold, empty lines before': {
    steps: [
      ['>', '\r\n\nPOST /a HTTP/1.1\nHost: h\nX-Fold: a\n  b\nContent-Length: 3\n\nask'],
      ['<', 'HTTP/1.1 200 OK\nContent-Length: 6\n\nanswer'],
    ],
    expected: ['POST /a "ask" -> 200 "answer" completed/complete'],
  },
  'transfer coding above length, equal lengths': {
    steps: [
      ['>', 'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nask'],
      [
        '<',
        'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
      ],
    ],
    expected: ['POST /a "ask" -> 200 "hi" completed/complete'],
  },
  'conflicting lengths': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> 200 "" invalid/complete', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'a chunk size that is none': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\nrest'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> 200 "hi" invalid/complete', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'the answer before the rest of the request': {
    steps: [
      ['>', post('/a', 'ask').slice(0, -2)],
      ['<', OK],
      ['>', 'sk'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: [
      'POST /a "ask" -> 200 "answer" completed/complete',
      'GET /b "" -> 200 "answer" completed/complete',
    ],
  },
  'upgrade is handed off': {
    steps: [
      ['>', 'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n'],
      ['<', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello'],
      ['>', '\x81\x85abcd12345'],
    ],
    expected: ['GET /ws "" -> 101 "" completed/complete'],
  },
  'CONNECT is handed off': {
    steps: [
      ['>', 'CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n'],
      ['<', 'HTTP/1.1 200 Connection established\r\n\r\n'],
      ['>', '\x16\x03\x01'],
    ],
    expected: ['CONNECT / "" -> 200 "" completed/complete'],
  },
  'a gap inside a length body keeps the connection in step': {
    steps: [
      ['>', get('/a')],
      ['<', OK.slice(0, -4)],
      ['<', 2],
      ['<', 'er'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> 200 "aner" completed/gap -2', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'a gap inside a chunk keeps the connection in step': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nab'],
      ['<', 3],
      ['<', 'f\r\n0\r\n\r\n'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> 200 "abf" completed/gap -3', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'a gap over a chunk border ends the exchange': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nab'],
      ['<', 6],
      ['<', '3\r\nxyz\r\n0\r\n\r\n'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> 200 "ab" unknown/gap -6', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'a gap in a response head': {
    steps: [
      ['>', get('/a')],
      ['<', OK.slice(0, 20)],
      ['<', 5],
      ['<', OK.slice(25)],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> - "" unknown/gap -5', 'GET /b "" -> 200 "answer" completed/complete'],
  },
  'rubbish and a request begun before a gap do not take the answer of another': {
    steps: [
      ['>', 'GET /a?'],
      ['>', 25],
      ['>', '1.1\r\nHost: h\r\n\r\n'],
      ['<', ok('to nobody')],
      ['>', 'GET /b HTTP/1'],
      ['<', ok('to nobody either')],
      ['>', post('/c', 'ask')],
      ['<', OK],
    ],
    expected: ['POST /c "ask" -> 200 "answer" completed/complete'],
  },
  'a method that nobody knows': {
    steps: [
      ['>', 'FETCH /a HTTP/1.1\r\nHost: h\r\n\r\n'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /b "" -> 200 "answer" completed/complete'],
  },
  'an answer on a line that was too long': {
    steps: [
      ['>', get('/a')],
      ['<', 'HTTP/1.1 200 ' + 'a'.repeat(9_000) + OK],
    ],
    // Whether it was joined in the middle or rubbish came first, nobody knows.
    expected: ['GET /a "" -> 200 "answer" completed/attached_mid'],
  },
  'a lost request is not invented': {
    steps: [
      ['>', post('/a', 'ask')],
      ['<', OK],
      ['>', 70],
      ['<', ok('lost')],
      ['>', get('/c')],
      ['<', ok('mine')],
    ],
    expected: [
      'POST /a "ask" -> 200 "answer" completed/complete',
      'GET /c "" -> 200 "mine" completed/complete',
    ],
  },
  'attached in a request body': {
    steps: [
      ['>', '"messages": []}'],
      ['<', ok('other')],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /b "" -> 200 "answer" completed/complete'],
  },
  'attached in a response body': {
    steps: [
      ['<', 'data: x\n\n'],
      ['<', '0\r\n\r\n'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /b "" -> 200 "answer" completed/complete'],
  },
  'the response was joined in its middle': {
    steps: [
      ['>', get('/a')],
      ['<', 'data: x\n\n0\r\n\r\n'],
      ['>', get('/b')],
      ['<', OK],
    ],
    expected: ['GET /a "" -> - "" unknown/attached_mid', 'GET /b "" -> 200 "answer" completed/complete'],
  },
}

/** An event's names, bodies cut differently counted once, do not depend on the cutting. */
const shape = (steps: Step[], settings: PlaySettings) => {
  const played = play(steps, settings)
  return {
    lines: lines(played),
    grammar: played.exchanges.map(({ grammar }) => grammar),
    used: played.budget.usedBytes,
  }
}

describe('http1', () => {
  for (const [name, { steps, expected, settings = {} }] of Object.entries(CASES))
    it(`${name}: at every chunk size`, () => {
      const whole = shape(steps, settings)
      expect(whole.lines).toEqual(expected)
      expect(whole.used).toBe(0)
      const longest = Math.max(...steps.map(([, data]) => (typeof data === 'number' ? 0 : data.length)))
      for (let chunkSize = 1; chunkSize < longest; chunkSize++)
        expect(shape(steps, { ...settings, chunkSize }), `chunks of ${chunkSize}`).toEqual(whole)
    })

  it('takes the answer before its question, by capture time', () => {
    const steps: Step[] = [
      ['<', OK],
      ['>', get('/a')],
      ['<', ok('b')],
      ['>', get('/b')],
    ]
    const early = play(steps, { times: [2, 1, 4, 3] })
    expect(lines(early)).toEqual([
      'GET /a "" -> 200 "answer" completed/complete',
      'GET /b "" -> 200 "b" completed/complete',
    ])
    // What is older than the question answers another one.
    const stale = play([...steps, ['<', ok('c')]], { times: [1, 2, 3, 4, 5] })
    expect(lines(stale)).toEqual([
      'GET /a "" -> 200 "b" completed/complete',
      'GET /b "" -> 200 "c" completed/complete',
    ])
    expect(stale.stats.get('exchanges.ignored', 'request_not_seen')).toBe(1)
  })

  it('gives an exchange the times of its bytes', () => {
    const played = play([
      ['>', post('/a', 'ask')],
      ['<', chunked('one')],
      ['>', get('/b')],
    ])
    expect(played.exchanges.map(({ start, end }) => [start, end])).toEqual([
      [1n, 2n],
      [3n, 4n],
    ])
  })

  it('emits nothing where the process is the server', () => {
    for (const steps of [
      [
        ['<', post('/a', 'ask')],
        ['>', OK],
      ],
      [
        ['>', OK],
        ['<', get('/a')],
      ],
    ] as Step[][]) {
      const { events, stats } = play(steps)
      expect(events).toEqual([])
      expect(stats.get('exchanges.ignored', 'server_side')).toBe(1)
    }
  })

  it('leaves HTTP/2 and other protocols alone', () => {
    const preface = play([
      ['>', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['<', '\0\0\0\x04'],
    ])
    expect(preface.stats.get('connections.ignored', 'http2')).toBe(1)
    const other = play(Array.from({ length: 100 }, (): Step => ['>', Buffer.alloc(50_000, 7)]))
    expect(other.stats.get('connections.ignored', 'unknown_protocol')).toBe(1)
    expect(other.budget.peakBytes).toBeLessThan(20_000)
  })
})
