// SPDX-License-Identifier: Apache-2.0
/**
 * Plays a recording through a pipeline, with no privilege. In: a recording file. Out: the same records in the same order as
 * live, with `tick` from record time.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { Stats } from '../stats.js'
import { decodeBatch } from './decode.js'
import { openRecording, type RecordingHeader } from './recording.js'
import type { CaptureRecord } from './types.js'

const TICK_NS = 1_000_000_000n

export interface ReplayResult {
  header: RecordingHeader
  records: number
  /** False: the writer did not finish (it was killed), so the end of the recording may be missing. */
  isComplete: boolean
  /** Bytes at the end that are no whole record. */
  damagedBytes: number
}

/** `makePipeline` gets the header because clock offset and boot id are settings of rooms. Throws SensorError. */
export function replayRecording(
  path: string,
  stats: Stats,
  makePipeline: (header: RecordingHeader) => Consumer<CaptureRecord>,
): ReplayResult {
  const recording = openRecording(path)
  try {
    const next = makePipeline(recording.header)
    const player = createPlayer(recording.header, next)
    const damagedBytes = recording.read((batch) => player.play(batch))
    if (damagedBytes > 0) stats.add('recordings.truncated', 'damaged_record', 1)
    next.end()
    return {
      header: recording.header,
      records: player.records(),
      isComplete: recording.isComplete,
      damagedBytes,
    }
  } finally {
    recording.close()
  }
}

function createPlayer(header: RecordingHeader, next: Consumer<CaptureRecord>) {
  let records = 0
  let ticked = 0n
  let latest = 0n
  return {
    play(batch: Uint8Array) {
      decodeBatch(batch, { boottimeToUnixNano: header.boottimeToUnixNano }, (record) => {
        if (record.kind === 'mapping' || record.kind === 'duplicate') return
        records++
        next.consume(record)
        if (record.timeUnixNano > latest) latest = record.timeUnixNano
        if (latest - ticked < TICK_NS) return
        ticked = latest
        next.tick(latest)
      })
    },
    records: () => records,
  }
}
