// SPDX-License-Identifier: Apache-2.0
/** The process room: who did it. @module */
export { createProcessTable, DEFAULT_MAX_PROCESSES, type ProcessTableSettings } from './table.js'
