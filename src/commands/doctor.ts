// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor doctor`. In: this machine. Out: what capture needs and whether it is there, every TLS process and whether a
 * running sensor sees it. Attaches nothing, changes nothing.
 * @module
 */
import { printable } from '../log.js'
import { createTargets, loadAddon, probeSystem, type SystemFacts, type Target } from '../receiver/index.js'
import { countTargets, type TargetCounts } from './targets.js'
import { problemLines } from './problems.js'

export interface DoctorReport {
  version: string
  system: SystemFacts
  /** Undefined: loaded. */
  addonProblem: string | undefined
  counts: TargetCounts
  targets: Target[]
}

/** 0: capture can start here. 3: it cannot, and the report says why. */
export function runDoctor(version: string, options: { json?: boolean }): 0 | 3 {
  const report = examine(version)
  process.stdout.write(options.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : describe(report))
  return report.system.isPermitted ? 0 : 3
}

function examine(version: string): DoctorReport {
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

function describe({ version, system, addonProblem, counts, targets }: DoctorReport): string {
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
    `TLS processes   ${counts.hooked} can be seen, ${counts.blind} blind`,
    ...targets.map(describeTarget),
  ]
  return `${lines.join('\n')}\n`
}

function describeTarget({ pid, executable, library, state, reason }: Target): string {
  const why = reason === undefined ? '' : ` (${reason})`
  return `  ${String(pid).padStart(7)}  ${printable(executable)}  ${printable(library)}  ${state}${why}`
}
