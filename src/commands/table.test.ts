// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPTIONS, type OptionSpec } from '../config/index.js'
import { SensorError } from '../errors.js'
import { exitCodeOf, explain } from './failure.js'
import { createProgram, withDefaultCommand } from './table.js'

/** What commander would print, and the exit code. */
async function use(...argv: string[]): Promise<{ code: number; said: string }> {
  let said = ''
  let code = 0
  const program = createProgram((value) => (code = value))
  const output = { writeOut: (text: string) => (said += text), writeErr: (text: string) => (said += text) }
  for (const command of [program, ...program.commands]) command.configureOutput(output)
  try {
    await program.parseAsync(withDefaultCommand(argv, program), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) said += explain(error)
    code = exitCodeOf(error)
  }
  return { code, said }
}

describe('the command line', () => {
  it.each([
    [['docter'], 'Did you mean doctor?'],
    [['docter', '--help'], 'Did you mean doctor?'],
    [['help', 'docter'], 'Did you mean doctor?'],
    [['bogus', '--help'], "unknown command 'bogus'"],
    [['--redaction-mod', 'safe'], 'Did you mean --redaction-mode?'],
    [['record', '--outputt', 'x'], 'Did you mean --output?'],
    [['replay'], "missing required argument 'file'"],
    [['run', 'a'], 'too many arguments'],
    [['capture'], "required option '-o, --output <file>' not specified"],
    [['replay', 'x', '--stop-after', 'kernel'], 'stream, protocol, provider'],
    [['--redaction-mode', 'none'], 'safe'],
    [['--ring-bytes', '3MiB'], 'power of two'],
    [['validate', '--ring-bytes', '3MiB'], 'power of two'],
    [['validate', '--config', '/nonexistent'], 'cannot be read (ENOENT)'],
    [['print-config', '--config', '/nonexistent'], 'cannot be read (ENOENT)'],
  ])('answers %j with 2 and a way on', async (argv, way) => {
    const { code, said } = await use(...argv)
    expect(said).toContain(way)
    expect(code).toBe(2)
  })

  it.each([
    [['--help']],
    [['help', 'run']],
    [['run', '--help']],
    [['record', '--help']],
    [['capture', '--help']],
    [['replay', '--help']],
    [['validate', '--help']],
    [['print-config', '--help']],
    [['doctor', '--help']],
    [['--version']],
  ])('answers %j with 0', async (argv) => {
    const { code, said } = await use(...argv)
    expect(code).toBe(0)
    expect(said).not.toBe('')
  })

  it('finds each flag under the name that the configuration knows', () => {
    const run = createProgram(() => {}).commands.find((command) => command.name() === 'run')!
    const known = new Map(run.options.map((option) => [option.flags, option.attributeName()]))
    for (const { key, flags } of OPTIONS as readonly OptionSpec[])
      if (flags !== undefined) expect([flags, known.get(flags)]).toEqual([flags, key])
  })

  it('names flags, defaults and environment variables in the help of run', async () => {
    const { said } = await use('run', '--help')
    expect(said).toContain('--otlp-endpoint')
    expect(said).toContain('OTEL_EXPORTER_OTLP_ENDPOINT')
    expect(said).toContain('OTEL_EXPORTER_OTLP_HEADERS')
  })

  it.each([
    ['run', ['--ring-bytes', '--otlp-endpoint', '--redaction-mode', 'OTEL_EXPORTER_OTLP_HEADERS'], []],
    ['record', ['--ring-bytes', '--redaction-mode', '--queue-bytes'], ['--export', 'OTEL_EXPORTER']],
    ['capture', ['--ring-bytes', '--log-level'], ['--redaction-mode', '--otlp', 'OTEL_EXPORTER']],
    ['replay', ['--redaction-mode', '--otlp-endpoint', '--stop-after'], ['--ring-bytes']],
  ])('lists for %s what it honours', async (command, honoured, ignored) => {
    const { said } = await use(command, '--help')
    for (const name of honoured) expect(said).toContain(name)
    for (const name of ignored) expect(said).not.toContain(name)
    expect(said).toContain('1  failure; also: telemetry that no destination accepted')
  })

  it('ends a replay of what is no recording with 1 and the reason', async () => {
    const { code, said } = await use('replay', import.meta.filename)
    expect(said).toContain('is not a recording')
    expect(code).toBe(1)
  })
})

describe('replay of a recording that is not whole', () => {
  const whole = readFileSync(
    join(import.meta.dirname, '../../test/scenarios/openai-chat-plain-node/capture.rec'),
  )
  let folder: string
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'oisp-replay-'))))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    ['whole', whole.length, 0],
    ['without its last byte', whole.length - 1, 1],
    ['cut in the middle', whole.length >> 1, 1],
  ])('plays what is there and ends with the fitting code: %s', async (name, bytes, expected) => {
    const recording = join(folder, `${name}.rec`)
    const output = join(folder, `${name}.jsonl`)
    writeFileSync(recording, whole.subarray(0, bytes))
    const { code } = await use('replay', recording, '--output', output, '--state-directory', folder)
    expect(code).toBe(expected)
    expect(readFileSync(output, 'utf8')).toContain('"gen_ai.provider.name"')
  })
})

describe('failures', () => {
  it('says sentence, code and remedy of a known one', () => {
    const error = new SensorError({ code: 'ERR_X_Y', message: 'no', hint: 'do this\nor that', exitCode: 3 })
    expect(explain(error)).toBe('oisp-sensor: no [ERR_X_Y]\n  Help: do this\n  Help: or that')
    expect(exitCodeOf(error)).toBe(3)
  })

  it('gives an unexpected one a single line and 1', () => {
    expect(explain(new TypeError('x is not a function'))).toMatch(
      /^oisp-sensor: unexpected TypeError: .+ \(at .+\)$/,
    )
    expect(exitCodeOf(new TypeError('x'))).toBe(1)
    expect(exitCodeOf('thrown')).toBe(1)
  })
})
