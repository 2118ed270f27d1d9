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
  /** As Node or uname has them: `x64`, `x86_64`. */
  architecture: string
  kernelRelease: string
  /** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; they win. */
  operatorAttributes: Readonly<Record<string, string>>
}

/** The words of the conventions for what Node and uname call otherwise (host.arch). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  x86_64: 'amd64',
  aarch64: 'arm64',
  ia32: 'x86',
  arm: 'arm32',
}

/** The machine, which the sensor shares with the processes it watches; nothing when its name is not known. */
export function toHostAttributes({
  hostName,
  architecture,
  kernelRelease,
}: Pick<SensorFacts, 'hostName' | 'architecture' | 'kernelRelease'>): Record<string, string> {
  if (hostName === '') return {}
  return {
    [ATTR_HOST_NAME]: hostName,
    [ATTR_HOST_ARCH]: ARCHITECTURES[architecture] ?? architecture,
    [ATTR_OS_TYPE]: 'linux',
    [ATTR_OS_VERSION]: kernelRelease,
  }
}

/** Its names are those of core, not of the GenAI conventions. */
export function toOwnScope(version: string): OwnTelemetry['scope'] {
  return { name: 'oisp-sensor', version, schemaUrl: SCHEMA_URL_CORE }
}

export function toSensorResource(facts: SensorFacts): OwnResource {
  return {
    attributes: {
      [ATTR_SERVICE_INSTANCE_ID]: facts.instanceId,
      [ATTR_PROCESS_PID]: facts.pid,
      ...toHostAttributes(facts),
      ...facts.operatorAttributes,
      // Not for the operator to say: backends compare versions.
      [ATTR_SERVICE_VERSION]: facts.version,
    },
    schemaUrl: SCHEMA_URL_CORE,
  }
}
