// SPDX-License-Identifier: Apache-2.0
/**
 * Who made the call: one resource per observed process. In: what the process room knows, and the sensor's own resource for the
 * facts about the host. Out: a Resource. Environment and working directory
 * are not even looked at, and arguments only for the name of a script.
 * @module
 */
import type { ProcessRef } from '../process/types.js'
import {
  ATTR_CONTAINER_ID,
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
import { baseName, toProgramName, withoutDeleted } from './program.js'
import type { Attributes, Resource } from './types.js'

export const SENSOR_NAME = 'oisp-sensor'
/** These describe the sensor's own process; everything else on its resource describes the machine that both share. */
const SENSORS_OWN = /^(?:service|process|telemetry)\./

/** One resource per observed process, the same object as long as its facts stay: who comes later can keep what was made of it. */
export function createResources(sensor: Resource, version: string): (process: ProcessRef) => Resource {
  const known = new WeakMap<ProcessRef, { facts: ProcessRef; resource: Resource }>()
  return (process) => {
    const found = known.get(process)
    if (found !== undefined && FACTS.every((fact) => found.facts[fact] === process[fact]))
      return found.resource
    const resource = toResource(process, sensor, version)
    known.set(process, { facts: { ...process }, resource })
    return resource
  }
}

/** What an exec, or a record that comes late, changes. */
const FACTS = ['parentPid', 'userId', 'containerId', 'comm', 'executable', 'script', 'arguments'] as const

/** The observed process never ran an SDK, so there is no telemetry.sdk.*; the distribution says who observed. */
export function toResource(process: ProcessRef, sensor: Resource, version: string): Resource {
  const attributes: Attributes = {}
  const set = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') attributes[key] = value
  }
  const executable = process.executable && withoutDeleted(process.executable)
  set(ATTR_SERVICE_NAME, toProgramName(process))
  set(ATTR_TELEMETRY_DISTRO_NAME, SENSOR_NAME)
  set(ATTR_TELEMETRY_DISTRO_VERSION, version)
  set(ATTR_PROCESS_PID, process.pid)
  set(ATTR_PROCESS_PARENT_PID, process.parentPid)
  set(ATTR_PROCESS_CREATION_TIME, new Date(Number(process.startUnixNano / 1_000_000n)).toISOString())
  set(ATTR_PROCESS_EXECUTABLE_NAME, executable && baseName(executable))
  set(ATTR_PROCESS_EXECUTABLE_PATH, executable)
  set(ATTR_PROCESS_USER_ID, process.userId)
  set(ATTR_CONTAINER_ID, process.containerId)
  if (process.arguments.length > 0) set(ATTR_PROCESS_ARGS_COUNT, process.arguments.length)
  for (const [key, value] of Object.entries(sensor.attributes))
    if (!SENSORS_OWN.test(key)) attributes[key] = value
  return { attributes, schemaUrl: SCHEMA_URL_CORE }
}
