// SPDX-License-Identifier: Apache-2.0
/** The health room: the sensor's own counters as metrics. @module */
export { createHealth, type HealthSettings, type OwnConsumer } from './health.js'
export type { Readings } from './metrics.js'
export { toHostAttributes, toOwnScope, toSensorResource, type SensorFacts } from './resource.js'
export type { CaptureHealth, OwnTelemetry, ProcessUsage } from './types.js'
