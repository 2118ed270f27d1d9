// SPDX-License-Identifier: Apache-2.0
/** The stream room: ordered bytes with explicit gaps. @module */
export {
  createStream,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_CONNECTIONS,
  type StreamSettings,
} from './streams.js'
