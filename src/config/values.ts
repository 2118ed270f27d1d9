// SPDX-License-Identifier: Apache-2.0
/**
 * Words → values. In: one setting's name and text. Out: the value, or a `SensorError` that names the setting, what is wrong
 * with the text and what would be right. A header's text is never repeated. Pure.
 * @module
 */
import { SensorError } from '../errors.js'

/** One setting as the user wrote it: `name` is the flag, the variable, or the place in the file that it came from. */
export interface Said {
  name: string
  text: string
  source: 'flag' | 'env' | 'file' | 'default'
  /** The entries of a map in the file, each with its own place. */
  pairs?: readonly { name: string; key: string; value: string }[]
  /** The list of third parties' modules. */
  modules?: readonly ModuleSettings[]
}

export interface ModuleSettings {
  /** Absolute path, or the name of a package. */
  readonly module: string
  /** Whatever it takes; handed to it as it is. */
  readonly options: Readonly<Record<string, unknown>>
}

export function invalid(said: Pick<Said, 'name'>, problem: string, hint: string): SensorError {
  return new SensorError({
    code: 'ERR_CONFIG_VALUE',
    message: `${said.name}: ${problem}`,
    hint,
    exitCode: 2,
  })
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

export function parseChoice<T extends string>(said: Said, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === said.text.toLowerCase())
  if (found !== undefined) return found
  throw invalid(said, `${quote(said.text)} is not one of its values`, `Use one of: ${choices.join(', ')}.`)
}

/** Comma-separated, without repetition. */
export function parseList<T extends string>(said: Said, choices: readonly T[]): T[] {
  const parts = said.text.split(',').map((text) => parseChoice({ ...said, text: text.trim() }, choices))
  return [...new Set(parts)]
}

export function parseInteger(said: Said, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(said.text) ? Number(said.text) : NaN
  if (value >= min && value <= max) return value
  throw invalid(
    said,
    `${quote(said.text)} is not a whole number from ${min} to ${max}`,
    `For example: ${min}.`,
  )
}

const DURATION_UNITS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds as OpenTelemetry's variables have them, or with a unit as in a Collector's file: `500`, `500ms`, `10s`, `1m`. */
export function parseDuration(said: Said, min: number, max: number): number {
  const match = /^(\d{1,12})(|ms|s|m|h)$/i.exec(said.text)
  const value = match ? Number(match[1]) * DURATION_UNITS[match[2]!.toLowerCase()]! : NaN
  if (value >= min && value <= max) return value
  throw invalid(
    said,
    `${quote(said.text)} is not a time from ${min} to ${max} ms`,
    'Write milliseconds, or a whole number with ms, s, m or h, for example 10s.',
  )
}

const UNITS: Readonly<Record<string, number>> = { '': 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 }

/** `65536`, `64KiB`, `32MiB`, `1GiB`. */
export function parseSize(said: Said, min: number, max: number): number {
  const match = /^(\d{1,15})\s*(|kib|mib|gib)$/i.exec(said.text)
  const value = match ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]! : NaN
  if (value >= min && value <= max) return value
  throw invalid(
    said,
    `${quote(said.text)} is not a size from ${formatSize(min)} to ${formatSize(max)}`,
    `Write bytes or KiB, MiB, GiB, for example ${formatSize(min)}.`,
  )
}

export function formatSize(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const)
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  return String(bytes)
}

/** OpenTelemetry's rule: only `true` is true (in any case); anything but `false` else deserves a word. */
export function parseFlag(said: Said, warnings: string[]): boolean {
  const text = said.text.toLowerCase()
  if (text !== 'true' && text !== 'false')
    warnings.push(`${said.name} is neither true nor false and counts as false`)
  return text === 'true'
}

/** W3C-baggage-like `key=value,key2=value2`; values percent-encoded. Says where it fails, never what stands there. */
export function parsePairs(said: Said, keyPattern: RegExp, valuePattern: RegExp): Record<string, string> {
  if (said.pairs) return checkPairs(said.pairs, keyPattern, valuePattern)
  const out: Record<string, string> = {}
  const parts = said.text.split(',')
  for (const [index, part] of parts.entries()) {
    if (part.trim() === '') continue
    const equals = part.indexOf('=')
    const key = decode(part.slice(0, Math.max(0, equals)).trim())
    const value = decode(part.slice(equals + 1).trim())
    const isValid =
      equals > 0 &&
      key !== undefined &&
      value !== undefined &&
      keyPattern.test(key) &&
      valuePattern.test(value)
    if (!isValid)
      throw invalid(
        said,
        `entry ${index + 1} of ${parts.length} is not key=value (the text is not shown: it may be a secret)`,
        'Write key=value,key2=value2; percent-encode commas, spaces and anything beyond ASCII in values.',
      )
    out[key] = value
  }
  return out
}

function checkPairs(
  pairs: NonNullable<Said['pairs']>,
  keyPattern: RegExp,
  valuePattern: RegExp,
): Record<string, string> {
  for (const { name, key, value } of pairs)
    if (!keyPattern.test(key) || !valuePattern.test(value))
      throw invalid(
        { name },
        'its name or value has characters that cannot be sent (the text is not shown: it may be a secret)',
        'Names are letters, digits and hyphens; values are visible ASCII.',
      )
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
