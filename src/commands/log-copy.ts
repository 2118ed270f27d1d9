// SPDX-License-Identifier: Apache-2.0
/**
 * The operational log's way to whichever destination is in force. In: configurations, one after the other. Out: one copy at a
 * time, the old one ended before the new one begins; when the new one cannot begin, none. Knows no line of the log.
 * @module
 */
import type { Config } from '../config/index.js'
import type { Exporter } from '../exporter/index.js'
import type { LogExport } from '../log.js'
import { copyLog, type LogSettings } from './own.js'

export interface LogCopy {
  /** Rejects when the destination's TLS files are no good at this moment; then the log is not exported until the next call. */
  switchTo(config: Config): Promise<void>
  shutdown(deadlineMs: number): Promise<void>
}

/** The last lines for a destination that is replaced. */
const SWITCH_MS = 2_000

export function createLogCopy(settings: Omit<LogSettings, 'config'>, exporter: Exporter): LogCopy {
  let copy: LogExport | undefined
  let last = Promise.resolve()

  async function change(config: Config): Promise<void> {
    await copy?.shutdown(SWITCH_MS)
    copy = undefined
    copy = await copyLog({ ...settings, config }, exporter)
  }

  return {
    switchTo(config) {
      // Two signals in a row must not leave two copies.
      const switched = last.then(() => change(config))
      // One that fails must not keep the next from trying.
      last = switched.catch(() => {})
      return switched
    },
    async shutdown(deadlineMs) {
      await copy?.shutdown(deadlineMs)
    },
  }
}
