// SPDX-License-Identifier: Apache-2.0
/**
 * The operational log's way to whichever destination is in force. In: configurations, one after the other. Out: one copy at a
 * time, the old one ended before the new one begins. Knows no line of the log.
 * @module
 */
import type { Config } from '../config/index.js'
import type { Exporter } from '../exporter/index.js'
import type { LogExport } from '../log.js'
import { copyLog, type LogSettings } from './own.js'

export interface LogCopy {
  switchTo(config: Config): Promise<void>
  shutdown(deadlineMs: number): Promise<void>
}

/** The last lines for a destination that is replaced. */
const SWITCH_MS = 2_000

export function createLogCopy(settings: Omit<LogSettings, 'config'>, exporter: Exporter): LogCopy {
  let copy: LogExport | undefined
  let last = Promise.resolve()
  return {
    switchTo(config) {
      // Two signals in a row must not leave two copies.
      last = last.then(async () => {
        await copy?.shutdown(SWITCH_MS)
        copy = await copyLog({ ...settings, config }, exporter)
      })
      return last
    },
    async shutdown(deadlineMs) {
      await copy?.shutdown(deadlineMs)
    },
  }
}
