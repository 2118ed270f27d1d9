// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from 'vitest'
import { makeLogRecord, makeSpan, makeTelemetry } from '../../test/support/collector-telemetry.js'
import type { Redacted } from '../redaction/types.js'
import type { Attributes, Telemetry } from '../run/types.js'
import { createStats } from '../stats.js'
import { CONSOLE_HEADER, createConsoleSink } from './console-sink.js'
import { createExporter } from './exporter.js'

beforeAll(() => {
  process.env.TZ = 'UTC'
})

function print(telemetry: Redacted<Telemetry>, isColored = false): string[] {
  const lines: string[] = []
  createExporter({
    sinks: [createConsoleSink({ write: (line) => lines.push(line), isColored, stats: createStats() })],
  }).consume(telemetry)
  return lines
}

const named = (name: string, change: Attributes = {}): Redacted<Telemetry> => {
  const span = makeSpan()
  return makeTelemetry({
    resource: { attributes: { 'process.pid': 4321, 'process.executable.name': name }, schemaUrl: '' },
    spans: [{ ...span, attributes: { ...span.attributes, ...change } }],
  })
}

describe('createConsoleSink', () => {
  it('prints a header once, then one line per exchange', () => {
    expect(
      print(
        makeTelemetry({
          spans: [makeSpan(), makeSpan({ attributes: { other: 1 } })],
          logRecords: [makeLogRecord()],
        }),
      ),
    ).toEqual([
      'TIME      PROCESS                 PROVIDER        MODEL                         TOKENS           DURATION   STATUS              SEEN',
      '22:13:20  node[4321]              openai          gpt-4o-mini                   12→34            1.23 s     ok                  complete',
    ])
  })

  it('says what went wrong and what was not seen', () => {
    const span = makeSpan({ status: { code: 2 }, endUnixNano: makeSpan().startUnixNano + 45_000_000n })
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o-mini',
      'error.type': 'rate_limit_exceeded',
      'oisp.capture.completeness': 'gap',
    }
    expect(print(makeTelemetry({ spans: [{ ...span, attributes }] }))[1]).toBe(
      '22:13:20  node[4321]              -               gpt-4o-mini                   -→-              45 ms      rate_limit_exceed…  gap',
    )
  })

  it('keeps its columns with long, wide and combined names; the pid stays whole', () => {
    for (const name of [
      'a-very-long-process-name-indeed',
      '漢字漢字漢字漢字漢字漢字漢字',
      '👩‍👩‍👧‍👦'.repeat(9),
      'é'.repeat(40),
    ]) {
      const [, line] = print(named(name, { 'gen_ai.response.model': 'm'.repeat(200) }))
      expect(line).toMatch(/^22:13:20 {2}.+\[4321\] +openai {10}m{27}… {2}12→34 /)
    }
    const [, line] = print(named('漢字漢字漢字漢字漢字漢字漢字'))
    expect(line).toContain('漢字漢字漢字漢…[4321]   openai')
  })

  it('lets no name write to the terminal or forge a line', () => {
    const [, line, ...more] = print(
      named('x\u001b[2J\ny\u202e', { 'gen_ai.response.model': 'a\u0007\u2028b' }),
    )
    expect(more).toEqual([])
    expect(line).toContain('x·[2J·y·[4321]')
    expect(line).toContain('a··b')
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u)
  })

  it('colours only when told to, without moving a column', () => {
    const [, plain] = print(makeTelemetry({ spans: [makeSpan()] }))
    const [, colored] = print(makeTelemetry({ spans: [makeSpan()] }), true)
    expect(colored).toContain('\u001b[32mok')
    expect(colored!.replace(/\u001b\[\d+m/g, '')).toBe(plain)
    expect(plain).not.toContain('\u001b')
    expect(CONSOLE_HEADER.indexOf('STATUS')).toBe(plain!.indexOf('ok  '))
  })

  it('drops and counts lines that nobody reads', () => {
    const stats = createStats()
    const lines: string[] = []
    const waitingBytes = () => (lines.length < 3 ? 0 : 1024 * 1024 + 1)
    const sink = createConsoleSink({
      write: (line) => lines.push(line),
      isColored: false,
      stats,
      waitingBytes,
    })
    createExporter({ sinks: [sink] }).consume(
      makeTelemetry({ spans: Array.from({ length: 5 }, () => makeSpan()) }),
    )
    expect(lines).toHaveLength(3)
    expect(stats.get('exporter.lines.dropped', 'queue_full')).toBe(3)
  })
})
