// SPDX-License-Identifier: Apache-2.0
/**
 * The table of commands. In: argv. Out: a call of the command with its configuration, and its exit code. Does nothing itself.
 * @module
 */
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { runCapture } from './capture.js'
import { runDoctor } from './doctor.js'
import { createFaultTeller } from './failure.js'
import { runHealth } from './health.js'
import { formatReport, formatReportJson, formatValid } from './print-config.js'
import { runReplay } from './replay.js'
import { runLive } from './run.js'
import { STAGES } from './stages.js'
import {
  ENVIRONMENT,
  OPTIONS,
  parseConfig,
  reportSettings,
  type Config,
  type ConfigInput,
  type Flags,
  type OptionGroup,
  type OptionSpec,
} from '../config/index.js'
import { createLog, type OperationalLog } from '../log.js'
import type { Stage } from '../pipeline.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

interface Context {
  config: Config
  readConfig(): Config
  version: string
  log: OperationalLog
  onError(error: unknown): void
}

function readContext(flags: Flags): Context {
  const readConfig = (): Config => parseConfig(toInput(flags))
  const config = readConfig()
  const log = createLog({
    level: config.logLevel,
    stream: process.stderr,
    isTerminal: process.stderr.isTTY === true,
  })
  return { config, readConfig, version, log, onError: createFaultTeller((text) => log.error(text)) }
}

function toInput(flags: Flags): ConfigInput {
  const isTerminal = process.stdout.isTTY === true
  return { flags, env: process.env, userId: process.geteuid?.() ?? -1, isTerminal }
}

const ALL_GROUPS: readonly OptionGroup[] = ['capture', 'telemetry', 'export']

type Output = { output: string }
type Replay = { output?: string; stopAfter?: Stage }

const EXIT_CODES = `
Exit codes:
  0  ok
  1  failure; also: telemetry that no destination accepted, a recording that is damaged or was not finished
  2  wrong usage or configuration
  3  live capture is not permitted here`

export function createProgram(setExitCode: (code: number) => void): Command {
  const program = new Command('oisp-sensor')
    .description('Shows every AI interaction on a Linux machine and emits OpenTelemetry GenAI telemetry.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(`--help` shows all options)')
    .addHelpText('after', EXIT_CODES)
  configured(program.command('run'), 'capture', 'telemetry', 'export')
    .description('the default: watch, show one line per exchange, export when there is an endpoint')
    .action(async (flags: Flags) => setExitCode(await runLive(readContext(flags))))
  configured(program.command('record'), 'capture', 'telemetry')
    .description('watch, and write redacted OTLP/JSON lines to a file')
    .option('-o, --output <file>', 'must not exist yet; - is standard output')
    .hook('preAction', requireOutput)
    .action(async ({ output, ...flags }: Flags & Output) =>
      setExitCode(await runLive({ ...readContext(flags), output })),
    )
  configured(program.command('capture'), 'capture')
    .description('write a raw recording for replay; it holds secrets')
    .option('-o, --output <file>', 'must not exist yet')
    .hook('preAction', requireOutput)
    .action(({ output, ...flags }: Flags & Output) => runCapture({ ...readContext(flags), output }))
  configured(program.command('replay'), 'telemetry', 'export')
    .description('play a recording; needs no privilege')
    .argument('<file...>', 'recordings made by capture')
    .option('-o, --output <file>', 'OTLP/JSON lines to a new file; - is standard output')
    .addOption(new Option('--stop-after <room>', 'print what one room saw, without content').choices(STAGES))
    .action(async (files: string[], { output, stopAfter, ...flags }: Flags & Replay) =>
      setExitCode(await runReplay(files, { ...readContext(flags), output, stopAfter })),
    )
  configured(program.command('validate'), ...ALL_GROUPS)
    .description('check flags, environment and configuration file; start nothing')
    .action((flags: Flags) => void process.stdout.write(formatValid(parseConfig(toInput(flags)))))
  configured(program.command('print-config'), ...ALL_GROUPS)
    .description('every setting, its value and where that came from; secrets are masked')
    .option('--json', 'print JSON')
    .action(({ json, ...flags }: Flags & { json?: boolean }) => {
      const report = reportSettings(toInput(flags))
      process.stdout.write(json === true ? formatReportJson(report) : formatReport(report, version))
    })
  configured(program.command('doctor'), 'export')
    .description(
      'what this machine permits, every TLS process and whether it can be seen, what each endpoint answers',
    )
    .option('--json', 'print JSON')
    .action(async ({ json, ...flags }: Flags & { json?: boolean }) => {
      const readConfig = (): Config => parseConfig(toInput(flags))
      setExitCode(await runDoctor({ version, json: json === true, readConfig }))
    })
  program
    .command('health')
    .description('ask a running sensor whether it does its work; 1 when it does not, or does not answer')
    .option('--health-socket <path>', 'what the sensor was started with (OISP_HEALTH_SOCKET)')
    .option('--json', 'print JSON')
    .action(async ({ json, ...flags }: Flags & { json?: boolean }) =>
      setExitCode(await runHealth(parseConfig(toInput(flags)).healthSocket, { json: json === true })),
    )
  return program
}

/** Commander's own `requiredOption` would be asked before a misspelt `--outptu` is noticed. */
function requireOutput(_program: Command, command: Command): void {
  if (command.opts<Partial<Output>>().output === undefined)
    command.error("error: required option '-o, --output <file>' not specified")
}

/** Adds the settings that the command honours. Defaults are text: only what the user wrote is passed on, so that it wins. */
function configured(command: Command, ...groups: OptionGroup[]): Command {
  const isHonoured = ({ group }: { group: OptionGroup }): boolean =>
    group === 'general' || groups.includes(group)
  const options = (OPTIONS as readonly OptionSpec[]).filter(isHonoured)
  for (const option of options)
    if (option.flags !== undefined) command.option(option.flags, describeOption(option))
  const variables = [
    ...options.filter(({ flags, env }) => flags === undefined && env.length > 0).map(toVariable),
    ...(groups.includes('export') ? [PER_SIGNAL] : []),
    ...ENVIRONMENT.filter(isHonoured),
  ].map(({ name, description }) => `  ${name}\n      ${description}`)
  return command
    .addHelpText('after', `\nFrom the environment only:\n${variables.join('\n')}`)
    .addHelpText('after', `\nThe file's keys: otel-config/CONFIGURATION.md${EXIT_CODES}`)
}

function describeOption({ description, default: text, defaultWords, env }: OptionSpec): string {
  const variable = env.length === 0 ? '' : `; ${env.join(', ')}`
  return `${description} (default: ${text ?? defaultWords}${variable})`
}

const toVariable = ({ env, description }: OptionSpec) => ({ name: env.join(', '), description })

const PER_SIGNAL = {
  name: 'OTEL_EXPORTER_OTLP_{TRACES,LOGS,METRICS}_…',
  description: 'the same for one signal; it replaces the general value, and an endpoint is used as it stands',
}

/**
 * `run` is the default, and then its options stand where a command's name would: commander itself would not find a misspelt one.
 * Nor does it look at the name of a command that is asked for help.
 */
export function withDefaultCommand(argv: readonly string[], program: Command): string[] {
  const [first, second] = argv
  const isKnown = (name: string): boolean =>
    name === 'help' || program.commands.some((command) => command.name() === name)
  const named = first === 'help' && second !== undefined ? second : first
  if (named !== undefined && !named.startsWith('-')) return isKnown(named) ? [...argv] : [named]
  const isForAll = first !== undefined && ['-h', '--help', '-V', '--version'].includes(first)
  return isForAll ? [...argv] : ['run', ...argv]
}
