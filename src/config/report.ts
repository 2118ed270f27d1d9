// SPDX-License-Identifier: Apache-2.0
/**
 * Where each value came from, for `print-config`. In: what the user said. Out: every setting with its value and origin, secrets
 * masked. Reads what `parseConfig` reads, in the same way.
 * @module
 */
import { createLookup, resolveConfig } from './config.js'
import type { Lookup } from './lookup.js'
import { OPTIONS, SIGNALS, signalPath, type OptionKey, type OptionSpec } from './options.js'
import type { Config, ConfigInput } from './types.js'
import { formatSize, parsePairs, type Said } from './values.js'

export interface SettingReport {
  /** Place in the file. */
  path: string
  /** Undefined: nobody said anything, and `words` tell what happens then. */
  value: SettingValue | undefined
  origin: 'flag' | 'env' | 'file' | 'default'
  /** The flag, the variable, or file:line:column. */
  name: string | undefined
  words: string | undefined
}

export type SettingValue = string | string[] | Record<string, string> | { module: string }[]

export interface ConfigReport {
  config: Config
  settings: SettingReport[]
}

const MASK = '[masked]'

export function reportSettings(input: ConfigInput): ConfigReport {
  const lookup = createLookup(input)
  const config = resolveConfig(lookup, input)
  const options = (OPTIONS as readonly OptionSpec[]).filter(({ path }) => path !== undefined)
  const settings = [
    ...options.map((option) => reportOne(lookup, option, config)),
    ...options.filter(({ isPerSignal }) => isPerSignal).flatMap((option) => reportOwn(lookup, option)),
  ]
  return { config, settings }
}

function reportOne(lookup: Lookup, option: OptionSpec, config: Config): SettingReport {
  const key = option.key as OptionKey
  const said = lookup.find(key) ?? findInherited(lookup, key, config)
  if (said) return toReport(option.path!, said, option)
  const value = option.default ?? COMPUTED[key]?.(config)
  return { path: option.path!, value, origin: 'default', name: undefined, words: option.defaultWords }
}

function reportOwn(lookup: Lookup, option: OptionSpec): SettingReport[] {
  return SIGNALS.flatMap((signal) => {
    const said = lookup.findOwn(option.key as OptionKey, signal)
    return said === undefined ? [] : [toReport(signalPath(option.path!, signal), said, option)]
  })
}

/** Defaults that depend on other settings or on the user. */
const COMPUTED: Partial<Record<OptionKey, (config: Config) => string>> = {
  budgetBytes: ({ budgetBytes }) => formatSize(budgetBytes),
  stateDirectory: ({ stateDirectory }) => stateDirectory,
}

function findInherited(lookup: Lookup, key: OptionKey, { redactionMode }: Config): Said | undefined {
  if (key !== 'redactionMode' || redactionMode !== 'full') return undefined
  return { ...lookup.env('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT')!, text: redactionMode }
}

function toReport(path: string, said: Said, option: OptionSpec): SettingReport {
  // `FILE:line:column path`: the path stands beside it.
  const name = said.source === 'file' ? said.name.slice(0, -path.length - 1) : said.name
  return { path, value: toValue(said, option), origin: said.source, name, words: undefined }
}

function toValue(said: Said, { kind, isSecret, key }: OptionSpec): SettingValue {
  if (kind === 'modules') return said.modules!.map(({ module }) => ({ module }))
  if (kind === 'list') return said.text.split(',').map((text) => text.trim().toLowerCase())
  if (kind === 'pairs') {
    const pairs = Object.entries(parsePairs(said, /^/, /^/))
    return Object.fromEntries(pairs.map(([name, value]) => [name, isSecret ? MASK : value]))
  }
  return key === 'otlpEndpoint' ? maskQuery(said.text) : said.text
}

/** Some receivers take their token there. */
function maskQuery(url: string): string {
  return url.replace(/\?.*$/s, `?${MASK}`)
}
