// SPDX-License-Identifier: Apache-2.0
/**
 * The registry in this folder → `src/semconv.ts`: names, types, sensitivity, spans, events, metrics and profiles as one table
 * for emission, redaction and the conformance test. `--check` writes nothing and fails when the file is out of date.
 * @module
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as stableNames from '@opentelemetry/semantic-conventions'
import { parse } from 'yaml'

const here = import.meta.dirname
const output = join(here, '../src/semconv.ts')
const SENSITIVITIES = ['safe', 'identity', 'content', 'secret']
const TYPES = ['string', 'string[]', 'int', 'double', 'boolean', 'any']

const readYaml = (name) => parse(readFileSync(join(here, name), 'utf8'))
const manifest = readYaml('manifest.yaml')
const { patterns } = readYaml('patterns.yaml')
const profiles = readYaml('profiles.yaml')
const registry = readRegistry()

if (process.argv.includes('--check')) check()
else writeFileSync(output, generate())

function check() {
  if (readFileSync(output, 'utf8') === generate()) return
  console.error('src/semconv.ts is out of date with semconv/: run `npm run gen`')
  process.exit(1)
}

function readRegistry() {
  const out = { attributes: [], attribute_groups: [], spans: [], events: [], metrics: [], entities: [] }
  for (const name of readdirSync(join(here, 'registry')).sort()) {
    const { file_format: format, ...groups } = readYaml(join('registry', name))
    if (format !== 'definition/2') fail(`${name}: file_format must be definition/2`)
    for (const [kind, items] of Object.entries(groups)) {
      if (!(kind in out)) fail(`${name}: unknown group ${kind}`)
      out[kind].push(...items)
    }
  }
  out.attributes.sort((a, b) => (a.key < b.key ? -1 : 1))
  return out
}

function fail(message) {
  throw new Error(`semconv: ${message}`)
}

function toConstant(prefix, name) {
  return `${prefix}_${name.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()}`
}

function generate() {
  return [header(), nameSection(), profileSection(), attributeSection(), signalSection(), lookups()].join(
    '\n',
  )
}

function header() {
  return `// SPDX-License-Identifier: Apache-2.0
/**
 * Every telemetry name that the sensor emits, its type and how sensitive it is. In: nothing. Out: constants and tables.
 * Generated from semconv/ by \`npm run gen\`; do not edit.
 * @module
 */

export const SCHEMA_URL_GEN_AI = ${quote(manifest.annotations.gen_ai_schema_url)}
export const SCHEMA_URL_CORE = ${quote(manifest.annotations.core_schema_url)}
`
}

/** Stable core names are re-exported from the official package, so that a typo in the registry cannot go unnoticed. */
function nameSection() {
  const official = []
  const own = []
  for (const { key, stability, brief } of registry.attributes) {
    const name = toConstant('ATTR', key)
    if (stability === 'stable') {
      if (stableNames[name] !== key)
        fail(`${key} is not a stable name of @opentelemetry/semantic-conventions`)
      official.push(name)
    } else own.push(`/** ${brief}. */\nexport const ${name} = ${quote(key)}`)
  }
  for (const { name } of registry.events)
    own.push(`export const ${toConstant('EVENT', name)} = ${quote(name)}`)
  for (const { name } of registry.metrics)
    own.push(`export const ${toConstant('METRIC', name)} = ${quote(name)}`)
  return `export {\n${official.map((name) => `  ${name},`).join('\n')}\n} from '@opentelemetry/semantic-conventions'\n\n${own.join('\n')}\n`
}

function profileSection() {
  const names = Object.keys(profiles.profiles)
  const rows = Object.entries(profiles.profiles).map(
    ([name, row]) => `  ${quote(name)}: ${JSON.stringify(row)},`,
  )
  return `export type Profile = ${names.map(quote).join(' | ')}
/** \`self\`: of the sensor's own work, in every profile. */
export type MetricFamily = 'pinned' | 'legacy' | 'self'
export type MetricInstrument = 'counter' | 'updowncounter' | 'gauge' | 'histogram'

export interface ProfileRow {
  /** Written beside its pinned name, or instead of it. */
  readonly aliases: readonly { readonly name: string; readonly alias: string; readonly keep: boolean }[]
  readonly metrics: readonly MetricFamily[]
}

export const DEFAULT_PROFILE: Profile = ${quote(profiles.default)}

export const PROFILES: Readonly<Record<Profile, ProfileRow>> = {
${rows.join('\n')}
}
`
}

function attributeSection() {
  return `export type AttributeType = ${TYPES.map(quote).join(' | ')}

/**
 * safe: leaves. identity: says who or where; leaves. content: what people and models said; leaves in full mode only.
 * secret: leaves in no mode.
 */
export type Sensitivity = ${SENSITIVITIES.map(quote).join(' | ')}

/** What a string that somebody else chose must look like, and what leaves when it does not. */
export interface ValuePattern {
  readonly regex: RegExp
  readonly otherwise: 'hash' | 'other' | 'drop'
}

export interface AttributeRow {
  readonly type: AttributeType
  readonly sensitivity: Sensitivity
  readonly pattern?: ValuePattern
  /** Known values; \`isClosed\`: there are no others. */
  readonly members?: readonly string[]
  readonly isClosed?: boolean
}

const PATTERNS = {
${Object.entries(patterns).map(patternRow).join('\n')}
} satisfies Record<string, ValuePattern>

export const ATTRIBUTES: ReadonlyMap<string, AttributeRow> = new Map<string, AttributeRow>([
${registry.attributes.map(attributeRow).join('\n')}
])
`
}

function patternRow([name, { regex, otherwise }]) {
  return `  ${name}: { regex: ${new RegExp(regex, 'u')}, otherwise: ${quote(otherwise)} },`
}

function attributeRow({ key, type, annotations }) {
  const { sensitivity, pattern, closed } = annotations ?? {}
  const isEnum = typeof type === 'object'
  const valueType = isEnum ? 'string' : type
  if (!SENSITIVITIES.includes(sensitivity)) fail(`${key}: sensitivity is missing`)
  if (!TYPES.includes(valueType)) fail(`${key}: unknown type ${valueType}`)
  const needsPattern =
    valueType.startsWith('string') && !closed && !['content', 'secret'].includes(sensitivity)
  if (needsPattern !== (pattern !== undefined))
    fail(`${key}: a string that leaves needs a pattern, others have none`)
  if (pattern !== undefined && !(pattern in patterns)) fail(`${key}: unknown pattern ${pattern}`)
  const parts = [`type: ${quote(valueType)}`, `sensitivity: ${quote(sensitivity)}`]
  if (pattern) parts.push(`pattern: PATTERNS.${pattern}`)
  if (isEnum) parts.push(`members: ${list(type.members.map(({ value }) => value))}`)
  if (closed) parts.push('isClosed: true')
  return `  [${quote(key)}, { ${parts.join(', ')} }],`
}

function signalSection() {
  return `export type RequirementLevel = 'required' | 'conditionally_required' | 'recommended' | 'opt_in'
type Levels = Readonly<Record<string, RequirementLevel>>

export interface SpanRow {
  readonly kind: 'client' | 'internal'
  readonly operations: readonly string[]
  /** The span name is the operation, and this attribute's value when there is one. */
  readonly nameAttribute: string
  readonly attributes: Levels
}

export interface EventRow {
  readonly severityNumber: number
  readonly severityText: string
  readonly attributes: Levels
}

export interface MetricRow {
  readonly instrument: MetricInstrument
  readonly unit: string
  readonly description: string
  readonly family: MetricFamily
  readonly buckets?: readonly number[]
  readonly attributes: Levels
}

${registry.attribute_groups.map(levelTable).join('\n\n')}

export const SPANS: ReadonlyMap<string, SpanRow> = new Map<string, SpanRow>([
${registry.spans.map(spanRow).join('\n')}
])

export const EVENTS: ReadonlyMap<string, EventRow> = new Map<string, EventRow>([
${registry.events.map(eventRow).join('\n')}
])

export const METRICS: ReadonlyMap<string, MetricRow> = new Map<string, MetricRow>([
${registry.metrics.map(metricRow).join('\n')}
])

export const ENTITIES: ReadonlyMap<string, Levels> = new Map<string, Levels>([
${registry.entities.map((entity) => `  [${quote(entity.type)}, ${levels([...entity.identity, ...entity.description])}],`).join('\n')}
])
`
}

function levelTable({ id, attributes }) {
  return `const ${toConstant('GROUP', id)}: Levels = ${levels(attributes)}`
}

function levels(attributes) {
  const rows = attributes.map(({ ref, ref_group: group, requirement_level: level }) => {
    if (group !== undefined) return `...${toConstant('GROUP', group)}`
    if (!registry.attributes.some(({ key }) => key === ref)) fail(`ref to unknown attribute ${ref}`)
    return `${quote(ref)}: ${quote(typeof level === 'object' ? Object.keys(level)[0] : level)}`
  })
  return `{ ${rows.join(', ')} }`
}

function spanRow({ type, kind, attributes, annotations }) {
  const { operations, name_attribute: nameAttribute } = annotations
  return `  [${quote(type)}, { kind: ${quote(kind)}, operations: ${list(operations)}, nameAttribute: ${quote(nameAttribute)}, attributes: ${levels(attributes)} }],`
}

function eventRow({ name, attributes, annotations }) {
  const { severity_number: number, severity_text: text } = annotations
  return `  [${quote(name)}, { severityNumber: ${number}, severityText: ${quote(text)}, attributes: ${levels(attributes)} }],`
}

function metricRow({ name, instrument, unit, brief, attributes, annotations }) {
  const { family, buckets } = annotations
  if ((instrument === 'histogram') !== Array.isArray(buckets))
    fail(`${name}: histograms have buckets, others not`)
  const bounds = buckets ? `, buckets: [${buckets.join(', ')}]` : ''
  return `  [${quote(name)}, { instrument: ${quote(instrument)}, unit: ${quote(unit)}, description: ${quote(brief)}, family: ${quote(family)}${bounds}, attributes: ${levels(attributes)} }],`
}

function lookups() {
  return `/** Undefined for a key that is not ours to emit. */
export function attributeType(key: string): AttributeType | undefined {
  return ATTRIBUTES.get(key)?.type
}
`
}

function quote(text) {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`
}

function list(values) {
  return `[${values.map(quote).join(', ')}]`
}
