// SPDX-License-Identifier: Apache-2.0
/**
 * Counters for everything that is dropped, damaged or finished, and the one byte budget over all buffers.
 * In: additions by every room. Out: a snapshot. Knows no clock and sends nothing.
 * @module
 */

/**
 * Counter names are `<noun>.<past-verb>`; `reason` is a small closed set per counter. Both are low-cardinality by contract:
 * never put a host, a pid or captured text in `reason`. Each leaves as the metric `oisp.<name>`: semconv/registry/self.yaml has its
 * entry.
 */
export interface Stats {
  add(name: string, reason: string, count?: number): void
  /** 0 for a counter that was never touched. Without `reason`, the sum over all reasons. */
  get(name: string, reason?: string): number
  /** Sorted by name, then reason. */
  snapshot(): CounterSnapshot[]
}

export interface CounterSnapshot {
  name: string
  reason: string
  count: number
}

export function createStats(): Stats {
  const counters = new Map<string, Map<string, number>>()
  return {
    add(name, reason, count = 1) {
      let byReason = counters.get(name)
      if (byReason === undefined) counters.set(name, (byReason = new Map()))
      byReason.set(reason, (byReason.get(reason) ?? 0) + count)
    },
    get(name, reason) {
      const byReason = counters.get(name)
      if (byReason === undefined) return 0
      if (reason !== undefined) return byReason.get(reason) ?? 0
      let sum = 0
      for (const count of byReason.values()) sum += count
      return sum
    },
    snapshot() {
      const out: CounterSnapshot[] = []
      for (const [name, byReason] of counters)
        for (const [reason, count] of byReason) out.push({ name, reason, count })
      return out.sort((a, b) => compare(a.name, b.name) || compare(a.reason, b.reason))
    },
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** All rooms that hold captured bytes share one of these; per-stream limits stand below it (capture rule 11). */
export interface Budget {
  readonly limitBytes: number
  readonly usedBytes: number
  /** The highest `usedBytes` ever reached, for the fuzz and bench commands. */
  readonly peakBytes: number
  /** False (and nothing reserved) when `bytes` more would exceed the limit: the caller drops and counts. */
  reserve(bytes: number): boolean
  release(bytes: number): void
}

export const DEFAULT_BUDGET_BYTES = 128 * 1024 * 1024

export function createBudget(limitBytes: number = DEFAULT_BUDGET_BYTES): Budget {
  let used = 0
  let peak = 0
  return {
    limitBytes,
    get usedBytes() {
      return used
    },
    get peakBytes() {
      return peak
    },
    reserve(bytes) {
      if (used + bytes > limitBytes) return false
      used += bytes
      if (used > peak) peak = used
      return true
    },
    release(bytes) {
      used -= bytes
      if (used < 0) throw new Error(`budget released ${-used} bytes more than were reserved`)
    },
  }
}
