// SPDX-License-Identifier: Apache-2.0
/**
 * What this kernel and this process are allowed to do. In: /proc and /sys. Out: facts, and every reason why capture cannot
 * work, each with what it disables and what helps. Attaches nothing.
 * @module
 */
import { existsSync } from 'node:fs'
import { arch, release, version } from 'node:os'
import { capabilityFacts, type CapabilityFact } from './capabilities.js'
import { readLink, readText } from './host.js'

export interface Problem {
  /** Stable: `capability`, `btf`, `kernel_version`, `known_bad_kernel`, `lockdown`, `platform`. */
  code: string
  /** What is missing or wrong, in one sentence. */
  message: string
  /** What it disables. */
  disables: string
  /** The flags or steps that help. */
  hint: string
}

export interface SystemFacts {
  kernelRelease: string
  architecture: string
  hasBtf: boolean
  /** Effective capabilities that matter on this kernel. */
  capabilities: CapabilityFact[]
  lockdown: string | undefined
  perfEventParanoid: string | undefined
  /** In a nested one /proc shows only part of the processes that are captured. */
  pidNamespace: 'initial' | 'nested'
  seesHostProcesses: boolean
  /** Empty: capture can start. */
  problems: Problem[]
  isPermitted: boolean
}

/** `PROC_PID_INIT_INO`, include/linux/proc_ns.h */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]'

const HELP =
  'run it as root (`sudo oisp-sensor run`), or in a container with `docker run --pid=host --cap-add=BPF --cap-add=PERFMON ' +
  '--cap-add=SYS_PTRACE --cap-add=DAC_READ_SEARCH --cap-add=CHECKPOINT_RESTORE (before kernel 6.6 also --cap-add=SYS_ADMIN) ' +
  '--security-opt seccomp=unconfined --security-opt apparmor=unconfined -v /sys/kernel/btf:/sys/kernel/btf:ro`'

export function probeSystem(): SystemFacts {
  const effective = BigInt(
    `0x${/^CapEff:\s+([0-9a-f]+)/m.exec(readText('/proc/self/status') ?? '')?.[1] ?? '0'}`,
  )
  const kernel = upstreamRelease(release(), version())
  const lockdown = /\[(\w+)\]/.exec(readText('/sys/kernel/security/lockdown') ?? '')?.[1]
  const pidNamespace = readLink('/proc/self/ns/pid') === INITIAL_PID_NAMESPACE ? 'initial' : 'nested'
  const facts = {
    kernelRelease: release(),
    architecture: arch(),
    hasBtf: existsSync('/sys/kernel/btf/vmlinux'),
    capabilities: capabilityFacts(effective, compareVersions(parseVersion(kernel), [6, 6, 0]) >= 0),
    lockdown,
    perfEventParanoid: readText('/proc/sys/kernel/perf_event_paranoid')?.trim(),
    pidNamespace: pidNamespace as SystemFacts['pidNamespace'],
    seesHostProcesses: pidNamespace === 'initial',
  }
  const problems = [
    ...platformProblems(facts.architecture),
    ...kernelProblems(kernel, facts.hasBtf, lockdown),
    ...capabilityProblems(facts.capabilities),
  ]
  return { ...facts, problems, isPermitted: problems.length === 0 }
}

function platformProblems(architecture: string): Problem[] {
  if (process.platform === 'linux' && architecture === 'x64') return []
  return [
    {
      code: 'platform',
      message: `this is ${process.platform} on ${architecture}; capture is proven on Linux x86-64 only`,
      disables: 'capture',
      hint: 'run the sensor on the Linux x86-64 host whose programs you want to see; `oisp-sensor replay FILE` works here',
    },
  ]
}

function capabilityProblems(capabilities: readonly CapabilityFact[]): Problem[] {
  return capabilities
    .filter(({ isRequired, isPresent }) => isRequired && !isPresent)
    .map(({ name, purpose }) => ({
      code: 'capability',
      message: `${name} is missing`,
      disables: purpose,
      hint: HELP,
    }))
}

function kernelProblems(kernelRelease: string, hasBtf: boolean, lockdown: string | undefined): Problem[] {
  const problems: Problem[] = []
  const version = parseVersion(kernelRelease)
  if (compareVersions(version, [5, 10, 0]) < 0) {
    problems.push({
      code: 'kernel_version',
      message: `kernel ${kernelRelease} is older than 5.10, the oldest that the BPF programs load on`,
      disables: 'capture',
      hint: 'use a newer kernel',
    })
  }
  if (!hasBtf) {
    problems.push({
      code: 'btf',
      message: '/sys/kernel/btf/vmlinux is missing',
      disables: 'CO-RE relocation of the BPF programs',
      hint: 'use a kernel with CONFIG_DEBUG_INFO_BTF=y, and in a container mount /sys/kernel/btf read-only',
    })
  }
  if (lockdown === 'confidentiality') {
    problems.push({
      code: 'lockdown',
      message: 'the kernel is locked down (confidentiality)',
      disables: 'reading memory from BPF',
      hint: 'boot with lockdown=integrity or none',
    })
  }
  const bad = knownBadKernel(kernelRelease)
  if (bad !== undefined) problems.push(bad)
  return problems
}

/**
 * uretprobe became a system call in 6.11 and seccomp filters of the observed process (Docker's default) killed it on every
 * return probe, until cf6cb56ef244 (6.14; 6.12.14 and 6.13.3 among the stable series). Our probes stand on whole files, so
 * any process may be hit.
 */
export function knownBadKernel(kernelRelease: string): Problem | undefined {
  const version = parseVersion(kernelRelease)
  const within = (from: number[], before: number[]): boolean =>
    compareVersions(version, from) >= 0 && compareVersions(version, before) < 0
  if (!within([6, 11, 0], [6, 12, 14]) && !within([6, 13, 0], [6, 13, 3])) return undefined
  return {
    code: 'known_bad_kernel',
    message: `kernel ${kernelRelease} kills seccomp-filtered programs (Docker's default) that reach a return probe`,
    disables: 'capture, because it would break the programs it watches',
    hint: 'update to 6.12.14, 6.13.3, 6.14 or later (kernel commit cf6cb56ef244)',
  }
}

/** Debian 12 and older name the ABI in `uname -r` (6.1.0-18-amd64) and the upstream number only in `uname -v`. */
export function upstreamRelease(kernelRelease: string, kernelVersion: string): string {
  return / Debian (\d+\.\d+\.\d+)/.exec(kernelVersion)?.[1] ?? kernelRelease
}

/** `6.12.41+deb13-amd64` -> [6, 12, 41] */
function parseVersion(kernelRelease: string): number[] {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(kernelRelease)
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0), Number(match?.[3] ?? 0)]
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0)
  return 0
}
