// SPDX-License-Identifier: Apache-2.0
/**
 * The two blocks of text around a live run: what is watched, and what came of it. In: facts. Out: lines. Pure.
 * @module
 */
import { printable } from '../log.js'
import type { SystemFacts } from '../receiver/index.js'
import type { RedactionMode } from '../redaction/types.js'
import type { CounterSnapshot } from '../stats.js'
import { describeRefusals } from './delivery.js'
import type { SelfCheckResult } from './self-check/index.js'
import { missingCapabilities } from './problems.js'
import type { TargetCounts } from './targets.js'

export interface ReadyFacts {
  version: string
  system: SystemFacts
  counts: TargetCounts
  attachedFiles: readonly string[]
  selfCheck: SelfCheckResult | undefined
  redactionMode: RedactionMode
  /** One line per destination. */
  destinations: readonly string[]
}

const CONTENT: Record<RedactionMode, string> = {
  safe: 'safe: no message content leaves; keyed hashes, sizes and counts do',
  full: 'full: prompts and answers leave as they are; credentials never do',
}

/** The last line is what `npm run demo` waits for. */
export function readyBlock(facts: ReadyFacts): string {
  const { system, counts, selfCheck } = facts
  const lines: [string, string][] = [
    ['kernel', `${system.kernelRelease} ${system.architecture}`],
    [
      'hooks',
      'uprobes on SSL_read, SSL_write and their kin; tracepoints exec, fork and exit; perf mmap events',
    ],
    ...facts.attachedFiles.map((path) => ['', `in ${printable(path)}`] as [string, string]),
    [
      'processes',
      `${counts.hooked} with TLS hooked, ${counts.blind} blind (\`oisp-sensor doctor\` names them)`,
    ],
    ...(system.seesHostProcesses
      ? []
      : [
          ['namespace', 'nested pid namespace: processes outside it are captured but cannot be named'] as [
            string,
            string,
          ],
        ]),
    ...missingCapabilities(system).map((text) => ['limited', text] as [string, string]),
    ...(selfCheck === undefined
      ? []
      : [['self-check', `${selfCheck.isOk ? 'ok' : 'FAILED'}: ${selfCheck.text}`] as [string, string]]),
    ['content', CONTENT[facts.redactionMode]],
    ...facts.destinations.map((text) => ['telemetry', text] as [string, string]),
  ]
  return `oisp-sensor ${facts.version} is ready\n${table(lines)}\n  try: npm run demo\n`
}

export interface SummaryFacts {
  exchanges: ReadonlyMap<string, number>
  counters: readonly CounterSnapshot[]
}

/** Everything that was dropped, damaged or sent, by reason. */
export function summaryBlock(title: string, { exchanges, counters }: SummaryFacts): string {
  const total = [...exchanges.values()].reduce((sum, count) => sum + count, 0)
  const kinds = [...exchanges].map(([kind, count]) => `${count} ${kind}`).join(', ')
  const exported = counters.filter(({ name }) => EXPORTED.test(name))
  const lost = counters.filter(
    (counter) => LOST.test(counter.name) && counter.count > 0 && unreadText(counter) === undefined,
  )
  const unread = counters.filter((counter) => unreadText(counter) !== undefined)
  const refusals = describeRefusals(counters)
  const lines: [string, string][] = [
    ['exchanges', total === 0 ? 'none' : `${total}: ${kinds}`],
    ['lost', lost.length === 0 ? 'nothing' : lost.map(counterText).join(', ')],
    ...(unread.length === 0 ? [] : [['not read', unread.map(unreadText).join(', ')] as [string, string]]),
    ['exported', exported.length === 0 ? 'nothing' : exported.map(counterText).join(', ')],
    ...(refusals === undefined ? [] : [['refused', refusals] as [string, string]]),
  ]
  return `\n${title}\n${table(lines)}\n`
}

const EXPORTED = /\.exported$/
/** What a destination did not take has a line of its own. */
const LOST = /^(?!exporter\.items\.)\S*\.(dropped|lost|truncated|rejected|cut|broken|undecodable|failed)$/

/** Traffic that was captured and is not understood, or whose beginning was not seen: blind spots, not losses. */
const UNREAD: Readonly<Record<string, string>> = {
  'connections.ignored http2': 'HTTP/2 connections',
  'connections.ignored upgrade': 'connections that changed their protocol (WebSocket)',
  'connections.ignored unknown_protocol': 'connections that are no HTTP',
  'streams.joined attached_mid': 'connections joined in the middle',
  'exchanges.ignored request_not_seen': 'answers whose request was not seen',
  'exchanges.ignored not_ai': 'calls to the path of an AI API with a request that is none of it',
  'bodies.undecodable unknown_coding': 'bodies in an unknown content coding (zstd)',
}

function unreadText({ name, reason, count }: CounterSnapshot): string | undefined {
  const text = UNREAD[`${name} ${reason}`]
  return text === undefined || count === 0 ? undefined : `${count} ${text}`
}

function counterText({ name, reason, count }: CounterSnapshot): string {
  return `${count} ${name}${reason === '' ? '' : ` (${reason})`}`
}

function table(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, text]) => `  ${name.padEnd(11)} ${text}`).join('\n')
}
