// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor print-config` and `validate`. In: what the user said. Out: what would be used and where it came from, as a file
 * that `--config` takes; or that it is fine. Starts nothing, connects to nothing.
 * @module
 */
import { stringify } from 'yaml'
import type { Config, ConfigReport, SettingReport } from '../config/index.js'
import { printable } from '../log.js'
import { describeDestinations } from './telemetry.js'

export function formatReport({ config, settings }: ConfigReport, version: string): string {
  const lines = [
    `# oisp-sensor ${version}, file: ${config.configFile ?? 'none'}; where each value comes from stands behind it`,
    ...formatTree(settings),
    '#',
    ...describeUse(config).map((line) => `# ${line}`),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

export function formatReportJson({ config, settings }: ConfigReport): string {
  const use = { telemetry: describeDestinations({ config }), warnings: config.warnings }
  return `${JSON.stringify({ file: config.configFile, settings, ...use }, undefined, 2)}\n`
}

/** What `validate` says when there is nothing to complain about. */
export function formatValid(config: Config): string {
  const file = config.configFile ?? 'no configuration file; flags and environment'
  return `${[`valid: ${file}`, ...describeUse(config).map((line) => `  ${line}`)].map(printable).join('\n')}\n`
}

function describeUse(config: Config): string[] {
  return [
    ...describeDestinations({ config }).map((text) => `telemetry: ${text}`),
    ...config.modules.map(({ module }) => `module: ${module}`),
    `content: ${config.redactionMode}`,
    ...config.warnings.map((warning) => `warning: ${warning}`),
  ]
}

/** Settings in the order of the table, as nested YAML; siblings that the table has apart are brought together. */
function formatTree(settings: readonly SettingReport[], depth = 0): string[] {
  const groups = new Map<string, SettingReport[]>()
  for (const setting of settings) {
    const name = setting.path.split('.')[depth]!
    groups.set(name, [...(groups.get(name) ?? []), setting])
  }
  const indent = '  '.repeat(depth)
  return [...groups].flatMap(([name, members]) => {
    const [only] = members
    if (only!.path.split('.').length === depth + 1) return [indent + formatSetting(name, only!)]
    const below = formatTree(members, depth + 1)
    return [`${indent}${name}:`, ...below]
  })
}

function formatSetting(name: string, { value, origin, name: source, words }: SettingReport): string {
  const comment = source === undefined ? origin : `${origin}: ${source}`
  return value === undefined ? `# ${name}: ${words}  # ${comment}` : `${name}: ${toYaml(value)}  # ${comment}`
}

/** On one line, and with every $ as the file wants it. Texts that need no quotes get none: the file takes 10000 as a text. */
function toYaml(value: NonNullable<SettingReport['value']>): string {
  if (typeof value === 'string' && /^\w+$/.test(value)) return value
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false })
    .trim()
    .replaceAll('$', '$$$$')
}
