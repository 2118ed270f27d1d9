// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor doctor`. In: this machine, the configuration. Out: what capture needs and whether it is there, every TLS process
 * and whether a running sensor sees it, every destination and what it says. Attaches nothing, changes nothing.
 * @module
 */
import type { Config } from '../config/index.js'
import { printable } from '../log.js'
import { createTargets, loadAddon, probeSystem, type SystemFacts, type Target } from '../receiver/index.js'
import { askEndpoints, type EndpointReport } from './endpoints.js'
import { explain } from './failure.js'
import { countTargets, type TargetCounts } from './targets.js'
import { problemLines } from './problems.js'

export interface DoctorReport extends MachineReport {
  /** Undefined: it is fine. */
  configProblem: string | undefined
  endpoints: EndpointReport[]
}

interface MachineReport {
  version: string
  system: SystemFacts
  /** Undefined: loaded. */
  addonProblem: string | undefined
  counts: TargetCounts
  targets: Target[]
}

export interface DoctorSettings {
  version: string
  json: boolean
  /** Throws SensorError. */
  readConfig(): Config
}

/** 0: all is well. 1: a destination does not take telemetry. 2: the configuration is wrong. 3: capture cannot start here. */
export async function runDoctor({ version, json, readConfig }: DoctorSettings): Promise<0 | 1 | 2 | 3> {
  const report = { ...examine(version), ...(await examineDelivery(version, readConfig)) }
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : describe(report))
  if (!report.system.isPermitted) return 3
  if (report.configProblem !== undefined) return 2
  return report.endpoints.every(({ isOk }) => isOk) ? 0 : 1
}

type Delivery = Pick<DoctorReport, 'configProblem' | 'endpoints'>

async function examineDelivery(version: string, readConfig: () => Config): Promise<Delivery> {
  let config: Config
  try {
    config = readConfig()
  } catch (error) {
    return { configProblem: explain(error), endpoints: [] }
  }
  return { configProblem: undefined, endpoints: await askEndpoints(config, version) }
}

function examine(version: string): MachineReport {
  const system = probeSystem()
  try {
    const addon = loadAddon()
    const inspect = (path: string, names: readonly string[]) => addon.inspectElf(path, names)
    const targets = createTargets({ inspect, attach: undefined }).report()
    return { version, system, addonProblem: undefined, counts: countTargets(targets), targets }
  } catch (error) {
    return { version, system, addonProblem: (error as Error).message, counts: countTargets([]), targets: [] }
  }
}

function describe(report: DoctorReport): string {
  const { version, system, addonProblem, counts, targets } = report
  const paranoid = system.perfEventParanoid ?? 'unknown'
  const lines = [
    `oisp-sensor ${version}`,
    `kernel          ${system.kernelRelease} ${system.architecture}`,
    `BTF             ${system.hasBtf ? 'yes' : 'missing'}`,
    `lockdown        ${system.lockdown ?? 'none'}`,
    `perf paranoid   ${paranoid}`,
    `pid namespace   ${system.pidNamespace}${system.seesHostProcesses ? '' : ': processes outside this container cannot be named'}`,
    'capabilities',
    ...system.capabilities.map(
      ({ name, isPresent, purpose }) => `  ${isPresent ? 'yes' : 'no '}  ${name.padEnd(20)} ${purpose}`,
    ),
    `addon           ${addonProblem ?? 'loaded'}`,
    '',
    ...(system.isPermitted
      ? ['Capture can start here.']
      : ['Capture cannot start here:', ...problemLines(system)]),
    '',
    ...describeDelivery(report),
    '',
    `TLS processes   ${counts.hooked} can be seen, ${counts.blind} blind`,
    ...targets.map(describeTarget),
  ]
  return `${lines.join('\n')}\n`
}

function describeDelivery({ configProblem, endpoints }: Delivery): string[] {
  if (configProblem !== undefined) return [configProblem]
  if (endpoints.length === 0)
    return ['telemetry       stays here: no endpoint is set (OTEL_EXPORTER_OTLP_ENDPOINT)']
  const lines = endpoints.map(
    ({ isOk, signal, message }) => `  ${isOk ? 'yes' : 'no '}  ${signal.padEnd(8)} ${printable(message)}`,
  )
  return ['telemetry', ...lines]
}

function describeTarget({ pid, executable, library, state, reason }: Target): string {
  const why = reason === undefined ? '' : ` (${reason})`
  return `  ${String(pid).padStart(7)}  ${printable(executable)}  ${printable(library)}  ${state}${why}`
}
