// SPDX-License-Identifier: Apache-2.0
/**
 * Who made the call: one resource per observed process. In: what the process room knows, and the sensor's own resource for the
 * facts about the host. Out: a Resource. Arguments, environment and working directory are not even looked at.
 * @module
 */
import type { ProcessRef } from '../process/types.js'
import {
  ATTR_PROCESS_ARGS_COUNT,
  ATTR_PROCESS_CREATION_TIME,
  ATTR_PROCESS_EXECUTABLE_NAME,
  ATTR_PROCESS_EXECUTABLE_PATH,
  ATTR_PROCESS_PARENT_PID,
  ATTR_PROCESS_PID,
  ATTR_PROCESS_USER_ID,
  ATTR_SERVICE_NAME,
  ATTR_TELEMETRY_DISTRO_NAME,
  ATTR_TELEMETRY_DISTRO_VERSION,
  SCHEMA_URL_CORE,
} from '../semconv.js'
import type { Attributes, Resource } from './types.js'

export const SENSOR_NAME = 'oisp-sensor'
/** These describe the sensor's own process; everything else on its resource describes the machine that both share. */
const SENSORS_OWN = /^(?:service|process|telemetry)\./
/** What the kernel appends to the path of a program file that was replaced while it ran. */
const DELETED = / \(deleted\)$/

/** The observed process never ran an SDK, so there is no telemetry.sdk.*; the distribution says who observed. */
export function toResource(process: ProcessRef, sensor: Resource, version: string): Resource {
  const attributes: Attributes = {}
  const set = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') attributes[key] = value
  }
  const executable = process.executable?.replace(DELETED, '')
  set(ATTR_SERVICE_NAME, toServiceName(process))
  set(ATTR_TELEMETRY_DISTRO_NAME, SENSOR_NAME)
  set(ATTR_TELEMETRY_DISTRO_VERSION, version)
  set(ATTR_PROCESS_PID, process.pid)
  set(ATTR_PROCESS_PARENT_PID, process.parentPid)
  set(ATTR_PROCESS_CREATION_TIME, new Date(Number(process.startUnixNano / 1_000_000n)).toISOString())
  set(ATTR_PROCESS_EXECUTABLE_NAME, executable === undefined ? undefined : baseName(executable))
  set(ATTR_PROCESS_EXECUTABLE_PATH, executable)
  set(ATTR_PROCESS_USER_ID, process.userId)
  if (process.arguments.length > 0) set(ATTR_PROCESS_ARGS_COUNT, process.arguments.length)
  for (const [key, value] of Object.entries(sensor.attributes))
    if (!SENSORS_OWN.test(key)) attributes[key] = value
  return { attributes, schemaUrl: SCHEMA_URL_CORE }
}

/**
 * The program's own name, not the `unknown_service:<executable>` of the resource conventions: that fallback is for an SDK that
 * was told nothing, while we name what we saw; and backends list, price and group by service.name, where every agent run by
 * `node` or `python3` would otherwise be one service. The self-chosen `comm` counts only when no file is known.
 */
export function toServiceName({ script, executable, comm }: ProcessRef): string {
  const path = (script || executable)?.replace(DELETED, '')
  return (path && (packageName(path) ?? programName(path))) || comm || 'unknown_service'
}

/** `…/node_modules/@scope/agent/dist/cli.js` is `agent`: the entry file of a package seldom says whose it is. */
function packageName(path: string): string | undefined {
  const name = /.*\/node_modules\/(?:@[^/]+\/)?([^/@.][^/]*)\//.exec(path)?.[1]
  return name
}

function programName(path: string): string {
  const name = baseName(path)
  // `python3 -m agent` runs …/agent/__main__.py
  return name === '__main__.py' ? baseName(path.slice(0, -name.length - 1)) : name
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
