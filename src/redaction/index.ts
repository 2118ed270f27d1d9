// SPDX-License-Identifier: Apache-2.0
/** The redaction room: the only door to exporters. @module */
export { createFingerprint } from './keys.js'
export { DEFAULT_MAX_CONTENT_BYTES } from './content-limit.js'
export { createRedaction, type RedactionSettings } from './redaction.js'
