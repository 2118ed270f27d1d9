// SPDX-License-Identifier: Apache-2.0
/**
 * One live capture from start to end. In: where the records go. Out: the work of the caller, done while the probes are in
 * place; they are removed in every case. Knows no telemetry.
 * @module
 */
import type { Consumer } from '../consumer.js'
import {
  openLiveReceiver,
  type CaptureRecord,
  type LiveReceiver,
  type LiveSettings,
  type RecordingHeader,
} from '../receiver/index.js'
import { listenForStop } from './stopping.js'

/** Resolves when a signal came, the receiver is closed and the pipeline has ended. Throws SensorError before capture starts. */
export async function watch(
  settings: LiveSettings,
  header: RecordingHeader,
  next: Consumer<CaptureRecord>,
  onRunning: (receiver: LiveReceiver) => Promise<void> | void,
): Promise<void> {
  const stopped = listenForStop()
  const receiver = openLiveReceiver(settings, header, next)
  try {
    receiver.start()
    await Promise.race([onRunning(receiver), stopped])
    await stopped
  } finally {
    await receiver.close()
  }
}
