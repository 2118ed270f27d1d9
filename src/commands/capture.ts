// SPDX-License-Identifier: Apache-2.0
/**
 * `oisp-sensor capture`. In: live records. Out: a raw recording for `replay`. Decodes nothing and sends nothing.
 * @module
 */
import type { Config } from '../config/index.js'
import {
  createRecordingWriter,
  probeSystem,
  readHostHeader,
  type LiveReceiver,
  type RecordingWriter,
} from '../receiver/index.js'
import { createStats } from '../stats.js'
import { withHealth } from './health.js'
import { watch } from './live.js'
import { readCapture } from './own.js'
import { requirePermission } from './problems.js'
import { say } from './output.js'
import { countTargets } from './targets.js'

export interface CaptureSettings {
  config: Pick<Config, 'ringBytes' | 'healthSocket'>
  output: string
  version: string
  onError(error: unknown): void
}

const WARNING =
  'WARNING: a raw recording holds everything these programs send and receive over TLS: keys, prompts, answers. Only you can ' +
  'read the file (0600). Give it to nobody; delete it when done.'

export async function runCapture({ config, output, version, onError }: CaptureSettings): Promise<void> {
  requirePermission(probeSystem())
  const header = readHostHeader(`oisp-sensor ${version}`)
  const recording = createRecordingWriter(output, header)
  say(WARNING)
  const stats = createStats()
  const written = countBytes(recording)
  const nothing = { consume() {}, tick() {}, end() {} }
  try {
    const { ringBytes, healthSocket } = config
    let receiver: LiveReceiver | undefined
    const readings = () => ({ capture: readCapture(receiver), selfCheckFailure: undefined, sinks: [] })
    await withHealth(healthSocket, readings, () =>
      watch({ stats, recording: written, ringBytes, onError }, header, nothing, (running) => {
        receiver = running
        const { hooked, blind } = countTargets(running.targets())
        say(
          `oisp-sensor ${version} is ready: recording ${hooked} TLS processes to ${output}, ${blind} are blind`,
        )
      }),
    )
  } finally {
    recording.close()
  }
  say(`${written.bytes()} bytes recorded in ${output}`)
}

function countBytes(recording: RecordingWriter): RecordingWriter & { bytes(): number } {
  let bytes = 0
  return {
    write(batch) {
      recording.write(batch)
      bytes += batch.length
    },
    close: () => recording.close(),
    bytes: () => bytes,
  }
}
