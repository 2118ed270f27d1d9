// SPDX-License-Identifier: Apache-2.0
/** The run room: AI events become OpenTelemetry data. @module */
export { createRun, type RunSettings } from './run.js'
export { DEFAULT_MAX_SERIES, DEFAULT_METRIC_INTERVAL_MS } from './metrics.js'
