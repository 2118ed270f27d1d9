// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig, reportSettings, type Environment, type Flags } from '../config/index.js'
import { formatReport, formatReportJson, formatValid } from './print-config.js'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'oisp-print-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const YAML = `
exporters:
  enabled: [otlp]
  otlp:
    headers: {authorization: Bearer sk-secret}
    logs: {endpoint: "https://c/v1/logs?key=sk-secret"}
resource: {attributes: {team: "a, $$b"}}
`

function setUp(flags: Flags = {}, env: Environment = {}, yaml = YAML) {
  const config = join(folder, 'f.yaml')
  writeFileSync(config, yaml, { mode: 0o600 })
  return { flags: { config, ...flags }, env: { HOME: '/home/u', ...env }, userId: 1000, isTerminal: false }
}

describe('print-config', () => {
  it('says for each value where it came from', () => {
    const input = setUp({ redactionMode: 'full' }, { OISP_RING_BYTES: '64KiB' })
    const text = formatReport(reportSettings(input), '1.2.3')
    for (const line of [
      `# oisp-sensor 1.2.3, file: ${folder}/f.yaml; where each value comes from stands behind it`,
      `  enabled: [otlp]  # file: ${folder}/f.yaml:3:12`,
      '  mode: full  # flag: --redaction-mode',
      '  ring_bytes: 64KiB  # env: OISP_RING_BYTES',
      '  body_bytes: 64MiB  # default',
      'state_directory: /home/u/.local/state/oisp-sensor  # default',
      '    # protocol: grpc for port 4317, else http/protobuf  # default',
      '# telemetry: logs to https://c (http/protobuf)',
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('shows no secret, in neither form', () => {
    const input = setUp({}, { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x=sk-secret' })
    const report = reportSettings(input)
    for (const text of [formatReport(report, '1'), formatReportJson(report), formatValid(report.config)])
      expect(text).not.toContain('sk-secret')
    expect(formatReport(report, '1')).toContain('authorization: "[masked]"')
  })

  it('names the variable that was inherited', () => {
    const name = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'
    expect(formatReport(reportSettings(setUp({}, { [name]: 'true' })), '1')).toContain(
      `mode: full  # env: ${name}`,
    )
  })

  it('prints a file that gives the same configuration', () => {
    const input = setUp({ traceparent: 'parent', exportConcurrency: '3' }, {})
    const { configFile: _, ...first } = parseConfig(input)
    const printed = formatReport(reportSettings(input), '1')
    const { configFile: __, ...second } = parseConfig(setUp({}, {}, printed))
    expect({ ...second, destinations: first.destinations }).toEqual(first)
  })

  it('prints JSON', () => {
    const { settings, file } = JSON.parse(formatReportJson(reportSettings(setUp()))) as {
      file: string
      settings: { path: string; value?: unknown; origin: string }[]
    }
    expect(file).toBe(join(folder, 'f.yaml'))
    const of = (path: string) => settings.find((setting) => setting.path === path)
    expect(of('exporters.enabled')).toMatchObject({ value: ['otlp'], origin: 'file' })
    expect(of('exporters.otlp.logs.endpoint')).toMatchObject({ value: 'https://c/v1/logs?[masked]' })
    expect(of('resource.attributes')).toMatchObject({ value: { team: 'a, $b' } })
    expect(of('log_level')).toMatchObject({ value: 'info', origin: 'default' })
  })
})

describe('validate', () => {
  it('says what would be used', () => {
    expect(formatValid(parseConfig(setUp()))).toBe(
      `valid: ${folder}/f.yaml\n  telemetry: traces, metrics to http://localhost:4318 (http/protobuf)\n` +
        '  telemetry: logs to https://c (http/protobuf)\n  content: safe\n',
    )
  })
})
