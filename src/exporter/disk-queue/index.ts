// SPDX-License-Identifier: Apache-2.0
/** The queue on disk: telemetry that waits to be sent survives the sensor. @module */
export { DEFAULT_DISK_BYTES, openDiskQueue, type DiskQueueSettings } from './disk-queue.js'
