// SPDX-License-Identifier: Apache-2.0
/** The receiver room: where capture records come from. @module */
export {
  DEFAULT_RING_BYTES,
  openLiveReceiver,
  readHostHeader,
  type LiveReceiver,
  type LiveSettings,
} from './ebpf.js'
export { decodeBatch } from './decode.js'
export { loadAddon } from './addon.js'
export {
  createRecordingWriter,
  openRecording,
  type RecordingHeader,
  type RecordingWriter,
} from './recording.js'
export { replayRecording, type ReplayResult } from './replay.js'
export { probeSystem, type Problem, type SystemFacts } from './system.js'
export { createTargets, type Target } from './targets.js'
export type { CaptureRecord } from './types.js'
