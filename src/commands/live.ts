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
  const { promise: recordingFailed, reject: onRecordingFailed } = withResolvers()
  // Until somebody waits for it, nobody would handle it.
  recordingFailed.catch(() => undefined)
  const stopped = Promise.race([listenForStop(), recordingFailed])
  stopped.catch(() => undefined)
  const receiver = openLiveReceiver({ ...settings, onRecordingFailed }, header, next)
  try {
    receiver.start()
    await Promise.race([onRunning(receiver), stopped])
    await stopped
  } finally {
    await receiver.close()
  }
}

function withResolvers(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject!: (error: unknown) => void
  const promise = new Promise<never>((_, rejectPromise) => (reject = rejectPromise))
  return { promise, reject }
}
