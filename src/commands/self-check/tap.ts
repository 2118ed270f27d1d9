// SPDX-License-Identifier: Apache-2.0
/**
 * Leads the self-check's own traffic aside. In: capture records. Out: the traffic of the process whose arguments hold the
 * marker goes to a pipeline of its own, all else to the real one: the check runs the whole chain and is in nobody's telemetry.
 * @module
 */
import type { Consumer } from '../../consumer.js'
import type { CaptureRecord } from '../../receiver/index.js'

export interface Tap extends Consumer<CaptureRecord> {
  /** Records of the marked process so far, for the reason of a failure. */
  recordsSeen(): number
}

export function createTap(
  marker: string,
  main: Consumer<CaptureRecord>,
  check: Consumer<CaptureRecord>,
): Tap {
  // (pid, start): the numbers the kernel uses, which differ from ours in a nested pid namespace.
  let marked: string | undefined
  let seen = 0

  function isMarked(record: CaptureRecord): boolean {
    if (record.kind === 'exec' && record.arguments.some((argument) => argument.includes(marker)))
      marked = keyOf(record.process)
    const process =
      'connection' in record ? record.connection : 'process' in record ? record.process : undefined
    return process !== undefined && keyOf(process) === marked
  }

  return {
    consume(record) {
      const isOurs = isMarked(record)
      // The life of a process is everybody's: whoever saw it begin must see it end.
      if (!isOurs || 'process' in record) main.consume(record)
      if (!isOurs) return
      seen++
      check.consume(record)
    },
    tick(now) {
      main.tick(now)
      check.tick(now)
    },
    end() {
      main.end()
      check.end()
    },
    recordsSeen: () => seen,
  }
}

function keyOf(process: { pid: number; startBoottimeNs: bigint }): string {
  return `${process.pid}:${process.startBoottimeNs}`
}
