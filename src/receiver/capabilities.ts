// SPDX-License-Identifier: Apache-2.0
/**
 * The capabilities that capture uses, and what each is for (include/uapi/linux/capability.h). In: an effective set. Out: which
 * are there, which are missing and what that disables.
 * @module
 */

interface Capability {
  name: string
  bit: number
  purpose: string
  /** `start`: nothing works without. `uprobe`: needed below 6.6, where uprobes are perf events. `reach`: some targets stay blind. */
  need: 'start' | 'uprobe' | 'reach'
}

const SYS_ADMIN: Capability = {
  name: 'CAP_SYS_ADMIN',
  bit: 21,
  purpose: 'attaching uprobes to TLS libraries on kernels before 6.6',
  need: 'uprobe',
}

const CAPABILITIES: readonly Capability[] = [
  { name: 'CAP_BPF', bit: 39, purpose: 'loading BPF programs and maps', need: 'start' },
  {
    name: 'CAP_PERFMON',
    bit: 38,
    purpose: 'tracing programs, uprobes and the mapping events of new processes',
    need: 'start',
  },
  SYS_ADMIN,
  {
    name: 'CAP_SYS_PTRACE',
    bit: 19,
    purpose: 'seeing the mappings of other users’ processes',
    need: 'reach',
  },
  {
    name: 'CAP_DAC_READ_SEARCH',
    bit: 2,
    purpose: 'reading programs and libraries of other users',
    need: 'reach',
  },
  {
    name: 'CAP_CHECKPOINT_RESTORE',
    bit: 40,
    purpose: 'opening deleted libraries and those of other mount namespaces',
    need: 'reach',
  },
]

export interface CapabilityFact {
  name: string
  isPresent: boolean
  /** False: capture starts without it and says what stays blind. */
  isRequired: boolean
  purpose: string
}

/** `effective`: CapEff of /proc/self/status. CAP_SYS_ADMIN includes CAP_BPF, CAP_PERFMON and CAP_CHECKPOINT_RESTORE. */
export function capabilityFacts(effective: bigint, hasUprobeMulti: boolean): CapabilityFact[] {
  const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n
  const isAdmin = has(SYS_ADMIN.bit)
  return CAPABILITIES.filter(({ need }) => need !== 'uprobe' || !hasUprobeMulti || isAdmin).map(
    ({ name, bit, purpose, need }) => ({
      name,
      isPresent: has(bit) || (isAdmin && bit >= 38),
      isRequired: need !== 'reach',
      purpose,
    }),
  )
}

/** What attaching to programs that start later still needs (capture rule 13); the rest is given up. */
export function neededCapabilities(hasUprobeMulti: boolean): number[] {
  return CAPABILITIES.filter(({ need }) => need !== 'uprobe' || !hasUprobeMulti).map(({ bit }) => bit)
}
