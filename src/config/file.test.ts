// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SensorError } from '../errors.js'
import { parseConfig } from './config.js'
import { parseConfigFile, readConfigFile } from './file.js'
import type { Environment } from './types.js'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'oisp-file-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function texts(yaml: string, env: Environment = {}): Record<string, string> {
  const { said } = parseConfigFile(yaml, 'f.yaml', env)
  return Object.fromEntries([...said].map(([path, { text }]) => [path, text]))
}

function failure(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (!(error instanceof SensorError)) throw error
    expect(error.exitCode).toBe(2)
    expect(error.code).toMatch(/^ERR_CONFIG_/)
    return `${error.message} | ${error.hint}`
  }
  throw new Error('was accepted')
}

function write(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe('the file', () => {
  it('says nothing when it is empty, or where a key has no value', () => {
    expect(texts('')).toEqual({})
    expect(texts('# nothing\n')).toEqual({})
    expect(texts('exporters:\nlimits: {ring_bytes: }\nlog_level: ""\n')).toEqual({})
  })

  it('takes values as they are written, lists and anchors', () => {
    expect(
      texts(
        'limits: &l {ring_bytes: 0x10, body_bytes: 1MiB}\nexporters: {enabled: [otlp, console], traces: otlp}\n',
      ),
    ).toEqual({
      'limits.ring_bytes': '0x10',
      'limits.body_bytes': '1MiB',
      'exporters.enabled': 'otlp,console',
      'exporters.traces': 'otlp',
    })
    expect(texts('exporters: {otlp: {traces: {tls: &t {insecure: true}}, logs: {tls: *t}}}')).toEqual({
      'exporters.otlp.traces.tls.insecure': 'true',
      'exporters.otlp.logs.tls.insecure': 'true',
    })
  })

  it.each<[yaml: string, env: Environment, mode: string | undefined]>([
    ['${env:MODE}', { MODE: 'full' }, 'full'],
    ['${env:MODE:-full}', {}, 'full'],
    ['${env:MODE:-full}', { MODE: '' }, 'full'],
    ['${MODE:-full}', { MODE: 'safe' }, 'safe'],
    ['"${MODE}"', { MODE: 'full' }, 'full'],
    ['f${env:A}l${env:B}', { A: 'ul', B: '' }, 'full'],
    ['$${env:MODE}', { MODE: 'full' }, '${env:MODE}'],
    ['a$b', {}, 'a$b'],
    ['${env:A}', { A: '${env:B}', B: 'x' }, '${env:B}'],
    ['${env:A:-b:-c}', {}, 'b:-c'],
    ['${env:MODE}', {}, undefined],
  ])('puts variables in: %s', (yaml, env, mode) => {
    expect(
      texts(`redaction: {mode: ${/[{}]/.test(yaml) && !yaml.startsWith('"') ? `'${yaml}'` : yaml}}`, env)[
        'redaction.mode'
      ],
    ).toBe(mode)
  })

  it('warns when a variable is not set', () => {
    const { warnings } = parseConfigFile('log_level: ${env:LEVEL}\n', 'f.yaml', {})
    expect(warnings).toEqual(['f.yaml:1:12: LEVEL is not set and counts as empty'])
  })

  it.each<[yaml: string, message: string]>([
    [
      'exporters:\n  otlp:\n    endpont: http://c',
      'f.yaml:3:5: unknown key "exporters.otlp.endpont" | Did you mean endpoint?',
    ],
    ['endpoint: http://c', 'f.yaml:1:1: unknown key "endpoint" | Did you mean exporters.otlp.endpoint?'],
    [
      'limits:\n  zzz: 1',
      'f.yaml:2:3: unknown key "limits.zzz" | Known here: ring_bytes, budget_bytes, body_bytes.',
    ],
    [
      'exporters:\n  modules:\n    - modul: a',
      'f.yaml:3:7: unknown key "exporters.modules.modul" | Did you mean module?',
    ],
    ['redaction: full', 'f.yaml:1:12: redaction must hold mode | '],
    ['- a', 'f.yaml:1:1: the file must hold exporters, disabled,'],
    ['redaction:\n  mode: [full]', 'f.yaml:2:9: redaction.mode must be one word | '],
    [
      'limits:\n  ring_bytes: {a: 1}',
      'f.yaml:2:15: limits.ring_bytes must be a size such as 64KiB or 32MiB | ',
    ],
    ['exporters:\n  modules: acme', 'f.yaml:2:12: exporters.modules must be a list | '],
    ['exporters:\n  modules: [{options: {}}]', 'f.yaml:2:13: an entry of exporters.modules has no module | '],
    ['log_level: info\nlog_level: warn', 'f.yaml:2:1: Map keys must be unique | '],
    ['a: [1', 'f.yaml:1:6: Flow sequence in block collection must be'],
    ['redaction: *r', 'f.yaml:1:12: *r is not defined | '],
    ['log_level: ${file:/etc/passwd}', 'f.yaml:1:12: ${file:…} is not known: only env is | '],
    ['log_level: "${env:A B}"', 'f.yaml:1:12: "${env:A B}" names no variable | Write ${env:NAME} or'],
    ['log_level: "${env:A"', 'f.yaml:1:12: "${env:A" names no variable | '],
  ])('refuses with place and way on: %j', (yaml, message) => {
    expect(failure(() => texts(yaml))).toContain(message)
  })

  it('survives what no one writes by hand', () => {
    expect(failure(() => texts('['.repeat(100_000)))).toContain('f.yaml')
    expect(failure(() => texts('a: &a [x, x]\nb: &b [*a, *a]\nlog_level: *b'))).toContain('unknown key "a"')
    expect(failure(() => texts('__proto__: {polluted: 1}'))).toContain('unknown key "__proto__"')
    expect(failure(() => texts('\u0000\u0001'))).toContain('f.yaml')
  })
})

describe('values in the file', () => {
  it.each<[yaml: string, message: string]>([
    ['limits: {ring_bytes: 3MiB}', ':1:22 limits.ring_bytes: 3MiB is not a power of two | Use 2MiB or 4MiB.'],
    [
      'exporters: {otlp: {timeout: soon}}',
      ':1:29 exporters.otlp.timeout: "soon" is not a time from 1 to 600000 ms',
    ],
    ['exporters: {otlp: {logs: {protocol: junk}}}', ':1:37 exporters.otlp.logs.protocol: "junk" is not one'],
    [
      'exporters:\n  otlp:\n    headers:\n      x: "a\\nb"',
      ':4:7 exporters.otlp.headers.x: its name or value has',
    ],
    [
      'exporters: {modules: [{module: ./x.mjs}]}',
      '"./x.mjs" is neither an absolute path nor the name of a package',
    ],
    ['exporters: {modules: [{module: ../../x}]}', '"../../x" is neither an absolute path'],
  ])('are refused with their place: %j', (yaml, message) => {
    const config = write('values.yaml', yaml)
    const parse = () => parseConfig({ flags: { config }, env: {}, userId: 1000, isTerminal: false })
    expect(failure(parse)).toContain(message)
  })

  it('never shows a header', () => {
    const config = write('secret.yaml', 'exporters: {otlp: {headers: {"x y": sk-secret, a: "sk-secret\\n"}}}')
    const parse = () => parseConfig({ flags: { config }, env: {}, userId: 1000, isTerminal: false })
    expect(failure(parse)).not.toContain('sk-secret')
  })
})

describe('who else can read or write it', () => {
  const read = (path: string, userId = 1000) => readConfigFile({ path, env: {}, userId })

  it('is said when it holds headers and others can read it', () => {
    const secret = 'exporters: {otlp: {headers: {authorization: Bearer x}}}'
    expect(read(write('a.yaml', secret, 0o640)).warnings).toEqual([
      expect.stringContaining('holds headers and can be read by others: chmod 600'),
    ])
    expect(read(write('b.yaml', secret, 0o600)).warnings).toEqual([])
    const variable = 'exporters: {otlp: {headers: {authorization: "${env:TOKEN:-}"}}}'
    expect(read(write('c.yaml', variable, 0o644)).warnings).toEqual([])
  })

  it('matters to root: a file that others can change is not obeyed', () => {
    expect(read(write('root.yaml', '', 0o600), 0).said.size).toBe(0)
    expect(failure(() => read(write('world.yaml', '', 0o606), 0))).toContain(
      'world.yaml can be changed by other users',
    )
    const open = join(folder, 'open')
    mkdirSync(open)
    writeFileSync(join(open, 'x.yaml'), '')
    chmodSync(open, 0o777)
    expect(failure(() => read(join(open, 'x.yaml'), 0))).toContain(`${open} can be changed by other users`)
    const link = join(folder, 'link.yaml')
    symlinkSync(join(open, 'x.yaml'), link)
    expect(failure(() => read(link, 0))).toContain(`${open} can be changed by other users`)
  })

  it.each([
    ['/nonexistent/x.yaml', 'cannot be read (ENOENT)'],
    ['/dev/null', 'is not a regular file'],
    ['/proc', 'is not a regular file'],
  ])('comes after whether it is a file at all: %s', (path, message) => {
    expect(failure(() => read(path))).toContain(message)
  })

  it('and it has a sane size', () => {
    expect(failure(() => read(write('big.yaml', '#'.repeat(1024 * 1024 + 1))))).toContain('larger than 1 MiB')
  })
})
