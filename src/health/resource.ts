// SPDX-License-Identifier: Apache-2.0
/**
 * Who the sensor is. In: what the operator said and facts of the machine. Out: the resource of everything the sensor says of
 * itself. Two sensors never share one: cumulative sums of two writers under one name would be nobody's.
 * @module
 */
import {
  ATTR_HOST_ARCH,
  ATTR_HOST_NAME,
  ATTR_OS_TYPE,
  ATTR_OS_VERSION,
  ATTR_PROCESS_PID,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_VERSION,
  SCHEMA_URL_CORE,
} from '../semconv.js'
import type { OwnResource, OwnTelemetry } from './types.js'

export interface SensorFacts {
  version: string
  /** A random UUID, made once per process. */
  instanceId: string
  pid: number
  hostName: string
  /** As Node has them: `x64`, `arm64`. */
  architecture: string
  kernelRelease: string
  /** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; they win. */
  operatorAttributes: Readonly<Record<string, string>>
}

/** The words of the conventions for what Node calls otherwise (host.arch). */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' }

/** Its names are those of core, not of the GenAI conventions. */
export function toOwnScope(version: string): OwnTelemetry['scope'] {
  return { name: 'oisp-sensor', version, schemaUrl: SCHEMA_URL_CORE }
}

export function toSensorResource(facts: SensorFacts): OwnResource {
  return {
    attributes: {
      [ATTR_SERVICE_INSTANCE_ID]: facts.instanceId,
      [ATTR_PROCESS_PID]: facts.pid,
      [ATTR_HOST_NAME]: facts.hostName,
      [ATTR_HOST_ARCH]: ARCHITECTURES[facts.architecture] ?? facts.architecture,
      [ATTR_OS_TYPE]: 'linux',
      [ATTR_OS_VERSION]: facts.kernelRelease,
      ...facts.operatorAttributes,
      // Not for the operator to say: backends compare versions.
      [ATTR_SERVICE_VERSION]: facts.version,
    },
    schemaUrl: SCHEMA_URL_CORE,
  }
}
