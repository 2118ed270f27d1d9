// SPDX-License-Identifier: Apache-2.0
/**
 * One attribute value against its row of the semconv table. In: a value that may hold anything a client or server sent. Out: the
 * value, what stands in for it, or undefined. The same in both modes: full mode adds content, not carelessness.
 * @module
 */
import type { AttributeRow } from '../semconv.js'
import type { AttributeValue } from '../run/types.js'
import type { Stats } from '../stats.js'
import type { Keys } from './keys.js'

/** Keys by their public prefixes, and JWTs: whatever field they turn up in, they are not what the field is for. */
const CREDENTIAL =
  /(?:^|[^A-Za-z0-9])(?:(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}|sess-[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{30,}|ya29\.[\w-]{16,}|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|xai-[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{16,}|eyJ[\w-]{8,}\.[\w-]{8,})/

const CREDENTIALS = new RegExp(CREDENTIAL, 'g')
/** Of a status description in full mode. */
const MAX_MESSAGE_CHARACTERS = 4096
/** No pattern allows more; a model name of a megabyte is not even looked at. */
const MAX_CHARACTERS = 1024
/** No list that leaves is longer: at most one finish reason per choice, and providers allow 128 choices. */
const MAX_ITEMS = 128

export function looksLikeCredential(text: string): boolean {
  return CREDENTIAL.test(text)
}

/** A provider's sentence often quotes the key it refused. */
export function cleanMessage(message: string): string {
  // Twice, so that no key is cut in two before it is recognised.
  const start = message.slice(0, 2 * MAX_MESSAGE_CHARACTERS)
  return start.replace(CREDENTIALS, ' [credential]').slice(0, MAX_MESSAGE_CHARACTERS)
}

export function guardValue(
  row: AttributeRow,
  value: AttributeValue,
  keys: Keys,
  stats: Stats,
): AttributeValue | undefined {
  const guarded = guardTyped(row, value, keys, stats)
  if (guarded === undefined) stats.add('attributes.dropped', 'invalid')
  return guarded
}

function guardTyped(
  row: AttributeRow,
  value: AttributeValue,
  keys: Keys,
  stats: Stats,
): AttributeValue | undefined {
  switch (row.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'int':
      return Number.isSafeInteger(value) ? value : undefined
    case 'double':
      return Number.isFinite(value) ? value : undefined
    case 'string':
      return guardString(row, value, keys, stats)
    case 'string[]':
      return guardStrings(row, value, keys, stats)
    case 'any':
      // Structured values are content and never come here.
      return undefined
  }
}

function guardStrings(
  row: AttributeRow,
  value: AttributeValue,
  keys: Keys,
  stats: Stats,
): AttributeValue | undefined {
  if (!Array.isArray(value) || value.length > MAX_ITEMS) return undefined
  const items = value.map((item: AttributeValue) => guardString(row, item, keys, stats))
  return items.every((item) => item !== undefined) ? items : undefined
}

function guardString(row: AttributeRow, value: AttributeValue, keys: Keys, stats: Stats): string | undefined {
  if (typeof value !== 'string') return undefined
  if (row.isClosed) return row.members?.includes(value) ? value : undefined
  const { pattern } = row
  if (pattern === undefined) return undefined
  if (value.length <= MAX_CHARACTERS && pattern.regex.test(value) && !looksLikeCredential(value)) return value
  stats.add('values.replaced', pattern.otherwise)
  if (pattern.otherwise === 'drop') return undefined
  return pattern.otherwise === 'other' ? '_OTHER' : keys.hashValue(value)
}
