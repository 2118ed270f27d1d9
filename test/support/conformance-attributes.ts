// SPDX-License-Identifier: Apache-2.0
/**
 * The attribute rules of the conformance check: key, wire type, members, requirement, profile. In: decoded key-value lists and
 * the table of what belongs there. Out: violations.
 * @module
 */
import {
  ATTRIBUTES,
  PROFILES,
  type AttributeRow,
  type Profile,
  type RequirementLevel,
} from '../../src/semconv.js'

export interface Violation {
  rule: string
  where: string
  message: string
}

export type Report = (rule: string, message: string) => void

/** As decoded from protobuf bytes or OTLP/JSON: 64-bit integers may be numbers, strings or bigints. */
export interface AnyValue {
  stringValue?: string
  intValue?: unknown
  doubleValue?: number
  boolValue?: boolean
  arrayValue?: { values?: AnyValue[] }
  kvlistValue?: { values?: KeyValue[] }
}
export interface KeyValue {
  key: string
  value?: AnyValue
}
export type AttributeMap = Map<string, AnyValue>

export interface Expectation {
  levels: Readonly<Record<string, RequirementLevel>>
  profile: Profile
  /** Spans hold structured values as JSON text, log records as maps. */
  structuredAs: 'json-string' | 'map'
  /** Keys that the operator put on resources; any name, any type. */
  operatorKeys?: ReadonlySet<string>
}

export function checkAttributes(
  list: KeyValue[] | undefined,
  expected: Expectation,
  report: Report,
): AttributeMap {
  const attributes: AttributeMap = new Map()
  for (const { key, value = {} } of list ?? []) {
    if (attributes.has(key)) report('attribute-twice', key)
    attributes.set(key, value)
    if (!expected.operatorKeys?.has(key)) checkAttribute(key, value, expected, report)
  }
  for (const [key, level] of Object.entries(expected.levels))
    if (level === 'required' && !attributes.has(key) && !isReplaced(key, expected.profile))
      report('attribute-required', `${key} is missing`)
  checkAliases(attributes, expected.profile, report)
  return attributes
}

function checkAttribute(key: string, value: AnyValue, expected: Expectation, report: Report): void {
  const row = ATTRIBUTES.get(key)
  if (row === undefined) return report('attribute-unknown', key)
  if (!(key in expected.levels) && !isAlias(key, expected))
    report('attribute-misplaced', `${key} does not belong here`)
  if (row.sensitivity === 'secret') report('attribute-secret', `${key} leaves in no mode`)
  const problem = typeProblem(row, value, expected.structuredAs)
  if (problem !== undefined)
    return report('attribute-type', `${key} is ${describe(value)}, must be ${problem}`)
  for (const text of textsOf(row, value)) checkText(key, row, text, report)
}

function checkText(
  key: string,
  { isClosed, members, pattern }: AttributeRow,
  text: string,
  report: Report,
): void {
  if (isClosed && !members?.includes(text)) report('attribute-member', `${key} = ${text}`)
  const isHash = pattern?.otherwise === 'hash' && /^hmac:[0-9a-f]{32}$/.test(text)
  if (pattern !== undefined && !isHash && !pattern.regex.test(text))
    report('attribute-pattern', `${key} = ${text}`)
}

function textsOf({ type }: AttributeRow, { stringValue, arrayValue }: AnyValue): string[] {
  if (type === 'string') return [stringValue!]
  if (type === 'string[]') return (arrayValue?.values ?? []).map((item) => item.stringValue!)
  return []
}

/** What the value must be, when it is not. */
function typeProblem(
  { type }: AttributeRow,
  value: AnyValue,
  structuredAs: Expectation['structuredAs'],
): string | undefined {
  const kinds = Object.keys(value)
  const is = (kind: keyof AnyValue): boolean => kinds.length === 1 && kinds[0] === kind
  switch (type) {
    case 'string':
      return is('stringValue') ? undefined : 'stringValue'
    case 'int':
      return is('intValue') ? undefined : 'intValue'
    case 'double':
      return is('doubleValue') ? undefined : 'doubleValue'
    case 'boolean':
      return is('boolValue') ? undefined : 'boolValue'
    case 'string[]':
      return is('arrayValue') &&
        (value.arrayValue?.values ?? []).every((item) => item.stringValue !== undefined)
        ? undefined
        : 'arrayValue of stringValue'
    case 'any':
      return isStructured(value, structuredAs) ? undefined : `structured (${structuredAs})`
  }
}

function isStructured(
  { stringValue, arrayValue, kvlistValue }: AnyValue,
  structuredAs: Expectation['structuredAs'],
): boolean {
  if (structuredAs === 'map') return arrayValue !== undefined || kvlistValue !== undefined
  if (stringValue === undefined) return false
  try {
    return typeof JSON.parse(stringValue) === 'object'
  } catch {
    return false
  }
}

function describe(value: AnyValue): string {
  return Object.keys(value).join('+') || 'empty'
}

function isAlias(key: string, { levels, profile }: Expectation): boolean {
  return PROFILES[profile].aliases.some(({ name, alias }) => alias === key && name in levels)
}

function isReplaced(key: string, profile: Profile): boolean {
  return PROFILES[profile].aliases.some(({ name, keep }) => name === key && !keep)
}

/** An alias repeats its pinned name's value; where it replaces the name, the name is gone. */
function checkAliases(attributes: AttributeMap, profile: Profile, report: Report): void {
  for (const { name, alias, keep } of PROFILES[profile].aliases) {
    const value = attributes.get(alias)
    if (value === undefined) continue
    const pinned = attributes.get(name)
    if (keep && JSON.stringify(pinned) !== JSON.stringify(value))
      report('profile-alias', `${alias} differs from ${name}`)
    if (!keep && pinned !== undefined) report('profile-alias', `${name} stands beside ${alias} in ${profile}`)
  }
}

export function toBigInt(value: unknown): bigint {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? BigInt(value)
    : 0n
}
