// SPDX-License-Identifier: Apache-2.0
/**
 * The table of options (dist/config) → `otel-config/CONFIGURATION.md`, the reference of flags, variables and keys. `--check` writes
 * nothing and fails when the page is out of date.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { ENVIRONMENT, OPTIONS } from '../dist/config/index.js'

const output = join(import.meta.dirname, 'CONFIGURATION.md')
const page = await format(generate(), { ...(await resolveConfig(output)), parser: 'markdown' })

if (!process.argv.includes('--check')) writeFileSync(output, page)
else if (readFileSync(output, 'utf8') !== page) {
  console.error('otel-config/CONFIGURATION.md is out of date with src/config/options.ts: run `npm run gen`')
  process.exit(1)
}

function generate() {
  const inFile = OPTIONS.filter(({ path }) => path !== undefined)
  return `<!-- Generated from src/config/options.ts by \`npm run gen\`; do not edit. -->

# Configuration

Flags win over environment variables, variables over the file, the file over defaults; within one of these, what is said about one
signal wins over what is said about all. \`oisp-sensor print-config\` shows every value and where it came from, \`oisp-sensor validate\`
checks all of it and starts nothing. A mistake ends the command with exit code 2 and names its place.

## The file

\`--config FILE\` or \`OISP_CONFIG_FILE\` names a YAML file in the manner of an OpenTelemetry Collector's:

\`\`\`yaml
${example()}
\`\`\`

- \`\${env:NAME}\`, \`\${env:NAME:-default}\` and \`\${NAME:-default}\` put variables in; \`$$\` stands for one \`$\`. A variable that is not set and
  has no default counts as empty, with a warning. \`npm start\` with sudo carries only \`OTEL_*\` and \`OISP_*\` to the sensor.
- Times are milliseconds, or a whole number with \`ms\`, \`s\`, \`m\` or \`h\`. Sizes are bytes, or \`KiB\`, \`MiB\`, \`GiB\`.
- An unknown key is refused with its line, its column and the nearest name.
- Root obeys no file that others than root and the program's owner can write. A file that holds headers and can be read by others
  is warned about.
- SIGHUP reads the file again. What is marked with ↻ changes at once: what waits in the queue goes to the new destination, and no
  exchange is lost. Anything else is named in a warning and waits for a restart. A file with a mistake changes nothing.
- \`OTEL_CONFIG_FILE\` is not read: its file is for SDKs.

## Settings

${inFile.map(describe).join('\n')}

Settings marked *per signal* exist for \`traces\`, \`logs\` and \`metrics\` as well: \`exporters.otlp.traces.endpoint\`,
\`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT\`. One signal's own endpoint over HTTP is used as it stands; to the general one \`/v1/traces\`,
\`/v1/logs\` and \`/v1/metrics\` are appended.

## Variables without a key

| variable | meaning |
| --- | --- |
${OPTIONS.filter(({ path }) => path === undefined)
  .map(({ env, flags, description }) => row(`${code(env)}, ${code([flags])}`, description))
  .join('\n')}
${ENVIRONMENT.map(({ name, description }) => row(code([name]), description)).join('\n')}
`
}

function example() {
  return `exporters:
  otlp:
    endpoint: http://localhost:4317
    headers: { authorization: 'Bearer \${env:OTLP_TOKEN:-}' }
    queue: { directory: /var/lib/oisp-sensor/queue }
    logs: { endpoint: http://localhost:4318/v1/logs, protocol: http/protobuf }
  metrics: none
redaction: { mode: safe }
limits: { ring_bytes: 32MiB }`
}

function describe({ path, flags, env, description, isPerSignal, isReloaded, default: text, defaultWords }) {
  const marks = [...(isPerSignal ? ['*per signal*'] : []), ...(isReloaded ? ['↻'] : [])]
  const said = [...(flags === undefined ? [] : [code([flags])]), ...(env.length === 0 ? [] : [code(env)])]
  const fallback = text === undefined ? defaultWords : code([text])
  return [
    `### \`${path}\``,
    '',
    `${escape(description)}.`,
    '',
    `- default: ${text === undefined ? escape(fallback) : fallback}`,
    ...(said.length === 0 ? [] : [`- also: ${said.join(', ')}`]),
    ...(marks.length === 0 ? [] : [`- ${marks.join(', ')}`]),
    '',
  ].join('\n')
}

function code(names) {
  return names.map((name) => `\`${name}\``).join(', ')
}

function row(...cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** What Markdown would take for markup. */
function escape(text) {
  return text.replace(/[*_<>[\]]/g, '\\$&')
}
