// SPDX-License-Identifier: Apache-2.0
/** What the user said, validated. @module */
export { parseConfig } from './config.js'
export { reportSettings, type ConfigReport, type SettingReport } from './report.js'
export { readOrCreateKey, type SensorKey } from './key.js'
export { ENVIRONMENT, OPTIONS, type OptionGroup, type OptionKey, type OptionSpec } from './options.js'
export type { Config, ConfigInput, DiskQueueSettings, Environment, Flags, LogLevel } from './types.js'
export type { ModuleSettings } from './values.js'
