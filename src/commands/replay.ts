// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor replay`. In: a recording. Out: the telemetry that the live capture gave, or what one room saw of it. Needs no privilege.
 * @module
 */
import type { Config } from '../config/index.js'
import type { Log } from '../log.js'
import { createPipeline, createPipelineUntil, type PipelineSettings, type Stage } from '../pipeline.js'
import { replayRecording, type RecordingHeader } from '../receiver/index.js'
import { createStats } from '../stats.js'
import { summaryBlock } from './blocks.js'
import { say } from './output.js'
import { createStagePrinters } from './stages.js'
import { remainingFlushMs } from './stopping.js'
import { createTally } from './tally.js'
import { createPipelineSettings, createSinks } from './telemetry.js'

export interface ReplaySettings {
  config: Config
  version: string
  log: Log
  output?: string | undefined
  stopAfter?: Stage | undefined
}

/** 0, or 1 when telemetry could not be handed over in time. Throws SensorError for a file that is no recording. */
export async function runReplay(path: string, settings: ReplaySettings): Promise<0 | 1> {
  const stats = createStats()
  const exporter = createSinks({ ...settings, stats })
  const tally = createTally(exporter)
  const { stopAfter } = settings
  const printers = createStagePrinters((line) => void process.stdout.write(`${line}\n`))
  const result = replayRecording(path, stats, (header: RecordingHeader) => {
    const pipelineSettings: PipelineSettings = createPipelineSettings({ ...settings, stats }, header)
    return stopAfter === undefined
      ? createPipeline(pipelineSettings, tally)
      : createPipelineUntil(stopAfter, pipelineSettings, printers[stopAfter])
  })
  if (!result.isComplete) say(`${path}: the recording was not finished; its end may be missing`)
  if (result.damagedBytes > 0) say(`${path}: ${result.damagedBytes} bytes at its end are damaged`)
  const { unsentItems } = await exporter.shutdown(remainingFlushMs())
  if (stopAfter === undefined)
    say(summaryBlock({ exchanges: tally.exchanges(), counters: stats.snapshot(), unsentItems }))
  return unsentItems > 0 ? 1 : 0
}
