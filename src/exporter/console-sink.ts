// SPDX-License-Identifier: Apache-2.0
/**
 * One readable line per AI exchange, made from the OTLP span that is sent. In: OTLP objects. Out: lines of text of a fixed
 * shape. Knows nothing but what the span says, and never lets a captured name write control codes to the terminal.
 * @module
 */
import type { Stats } from '../stats.js'
import type { AnyValue, KeyValue, OtlpSpan, OtlpTelemetry } from './otlp.js'
import type { Sink } from './types.js'

export interface ConsoleSinkSettings {
  write: (line: string) => void
  /** What a reader of the lines has not taken yet; a stalled pipe must not fill the memory. */
  waitingBytes?: () => number
  stats: Stats
  /** Only for a terminal, and never with NO_COLOR (no-color.org). */
  isColored: boolean
}

const MAX_WAITING_BYTES = 1024 * 1024

export function createConsoleSink({
  write,
  isColored,
  stats,
  waitingBytes = () => 0,
}: ConsoleSinkSettings): Sink {
  let hasHeader = false
  return {
    name: 'console',
    consume(_telemetry, otlp) {
      for (const span of otlp.spans) {
        const line = formatExchange(span, otlp, isColored)
        if (line === undefined) continue
        if (waitingBytes() > MAX_WAITING_BYTES) {
          stats.add('exporter.lines.dropped', 'queue_full')
          continue
        }
        if (!hasHeader) write(CONSOLE_HEADER)
        hasHeader = true
        write(line)
      }
    },
    end() {},
    shutdown: async () => ({ unsentItems: 0 }),
  }
}

/** Cuts between what a reader takes for one character, never inside. */
const SEGMENTER = new Intl.Segmenter()

/** Widths in terminal cells; the last column is open. */
const COLUMNS = [
  ['TIME', 8],
  ['PROCESS', 22],
  ['PROVIDER', 14],
  ['MODEL', 28],
  ['TOKENS', 15],
  ['DURATION', 9],
  ['STATUS', 18],
  ['SEEN', 0],
] as const

export const CONSOLE_HEADER: string = COLUMNS.map(([title, width]) => fit(title, width)).join('  ')

const GREEN = 32
const YELLOW = 33
const RED = 31

/** `undefined` for a span that is no exchange with a model. */
export function formatExchange(span: OtlpSpan, otlp: OtlpTelemetry, isColored: boolean): string | undefined {
  const attributes = toLookup(span.attributes)
  if (!attributes.has('gen_ai.operation.name')) return undefined
  const isError = span.status.code === 2
  const completeness = attributes.get('oisp.capture.completeness') ?? '-'
  const cells = [
    new Date(Number(span.startTimeUnixNano / 1_000_000n)).toTimeString().slice(0, 8),
    processName(toLookup(otlp.resource.attributes)),
    attributes.get('gen_ai.provider.name') ?? '-',
    attributes.get('gen_ai.response.model') ?? attributes.get('gen_ai.request.model') ?? '-',
    `${attributes.get('gen_ai.usage.input_tokens') ?? '-'}→${attributes.get('gen_ai.usage.output_tokens') ?? '-'}`,
    formatDuration(span.endTimeUnixNano - span.startTimeUnixNano),
    isError ? (attributes.get('error.type') ?? 'error') : 'ok',
    completeness,
  ]
  const padded = cells.map((cell, index) => fit(printable(cell), COLUMNS[index]![1]))
  if (isColored) {
    padded[6] = paint(padded[6]!, isError ? RED : GREEN)
    padded[7] = paint(padded[7]!, completeness === 'complete' ? GREEN : YELLOW)
  }
  return padded.join('  ')
}

/** `name[pid]`; the pid stays readable when the name is long. */
function processName(resource: Map<string, string>): string {
  const pid = `[${resource.get('process.pid') ?? '?'}]`
  const name = printable(resource.get('process.executable.name') ?? resource.get('service.name') ?? '?')
  return fit(name, COLUMNS[1][1] - pid.length).trimEnd() + pid
}

function toLookup(attributes: readonly KeyValue[]): Map<string, string> {
  return new Map(attributes.map(({ key, value }) => [key, toText(value)]))
}

function toText(value: AnyValue): string {
  if ('stringValue' in value) return value.stringValue
  if ('intValue' in value) return String(value.intValue)
  if ('doubleValue' in value) return String(value.doubleValue)
  if ('boolValue' in value) return String(value.boolValue)
  return ''
}

function formatDuration(nanos: bigint): string {
  const seconds = Number(nanos) / 1e9
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  return seconds < 600 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds / 60)} min`
}

/** Control and format characters (escape sequences, right-to-left overrides) would let a process forge the line. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u00b7')
}

/** Pads or cuts to `width` cells; 0 leaves it as it is. */
function fit(text: string, width: number): string {
  const cells = [...SEGMENTER.segment(text)].map(({ segment }) => ({
    segment,
    width: cellWidth(segment),
  }))
  const total = cells.reduce((sum, cell) => sum + cell.width, 0)
  if (width === 0) return text
  if (total <= width) return text + ' '.repeat(width - total)
  let out = ''
  let used = 0
  for (const cell of cells) {
    if (used + cell.width > width - 1) break
    out += cell.segment
    used += cell.width
  }
  return out + '…' + ' '.repeat(width - 1 - used)
}

/** East Asian wide characters and emoji take two cells. */
function cellWidth(segment: string): number {
  return /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    segment,
  )
    ? 2
    : 1
}

function paint(text: string, color: number): string {
  return `\u001b[${color}m${text}\u001b[0m`
}
