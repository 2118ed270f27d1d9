// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor replay`. In: recordings. Out: the telemetry that the live captures gave, or what one room saw of it.
 * Needs no privilege.
 * @module
 */
import type { Config } from '../config/index.js'
import type { Log } from '../log.js'
import type { Consumer } from '../consumer.js'
import { loadThirdParties } from '../exporter/index.js'
import { createPipeline, createPipelineUntil, type Stage } from '../pipeline.js'
import {
  replayRecording,
  type CaptureRecord,
  type RecordingHeader,
  type ReplayResult,
} from '../receiver/index.js'
import { createStats } from '../stats.js'
import { summaryBlock } from './blocks.js'
import { deliveryExitCode } from './delivery.js'
import { createExporterSlot } from './exporter-slot.js'
import { say } from './output.js'
import { createStagePrinters } from './stages.js'
import { remainingFlushMs } from './stopping.js'
import { createTally } from './tally.js'
import { createPipelineSettings, readKey } from './telemetry.js'

export interface ReplaySettings {
  config: Config
  version: string
  log: Log
  output?: string | undefined
  stopAfter?: Stage | undefined
}

/**
 * 0, or 1 when telemetry was not accepted or a recording is not whole: what is there is played in any case. Throws SensorError for a file that is no
 * recording.
 */
export async function runReplay(paths: readonly string[], settings: ReplaySettings): Promise<0 | 1> {
  const stats = createStats()
  const parties = await loadThirdParties(settings.config.modules)
  const exporter = createExporterSlot({ ...settings, stats, parties })
  const tally = createTally(exporter)
  const { stopAfter } = settings
  for (const warning of settings.config.warnings) settings.log.warn(warning)
  const key = readKey(settings)
  const printers = createStagePrinters((line) => void process.stdout.write(`${line}\n`))
  // Every recording has its own host: clock, boot id and pids of one mean nothing in another.
  const makePipeline = (header: RecordingHeader): Consumer<CaptureRecord> => {
    const pipelineSettings = createPipelineSettings({ ...settings, stats }, key, header)
    return stopAfter === undefined
      ? createPipeline(pipelineSettings, tally)
      : createPipelineUntil(stopAfter, pipelineSettings, printers[stopAfter])
  }
  let areWhole = true
  for (const path of paths) {
    const result = replayRecording(path, stats, makePipeline)
    sayDamage(path, result)
    areWhole &&= result.isComplete && result.damagedBytes === 0
  }
  await exporter.shutdown(remainingFlushMs())
  const counters = stats.snapshot()
  const summary = { exchanges: tally.exchanges(), counters }
  if (stopAfter === undefined) say(summaryBlock('the recording has ended', summary))
  return areWhole ? deliveryExitCode(counters) : 1
}

function sayDamage(path: string, { isComplete, damagedBytes }: ReplayResult): void {
  if (!isComplete) say(`${path}: the recording was not finished; its end may be missing`)
  if (damagedBytes > 0) say(`${path}: ${damagedBytes} bytes at its end are damaged`)
}
