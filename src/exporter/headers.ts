// SPDX-License-Identifier: Apache-2.0
/**
 * Whether the configured headers can be sent at all, found at start and not with every request. In: a destination. Out: nothing,
 * or a SensorError that names the header and never its value.
 * @module
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { SensorError } from '../errors.js'
import { displayEndpoint } from './explain.js'
import type { OtlpSettings } from './types.js'

/** What gRPC allows in metadata (gRPC over HTTP/2, "Custom-Metadata"); `-bin` values are base64. */
const METADATA_NAME = /^[0-9a-z_.-]+$/i
const METADATA_VALUE = /^[\x20-\x7e]*$/

export function checkHeaders(settings: OtlpSettings): void {
  for (const [name, value] of Object.entries(settings.headers)) {
    const fault = settings.protocol === 'grpc' ? findMetadataFault(name, value) : findHeaderFault(name, value)
    if (fault === undefined) continue
    throw new SensorError({
      code: 'ERR_EXPORTER_HEADER',
      message: `header ${JSON.stringify(name)} for ${displayEndpoint(settings)}: its ${fault} holds a character that cannot be sent`,
      hint: 'Correct OTEL_EXPORTER_OTLP_HEADERS; a value may hold visible ASCII characters and spaces.',
      exitCode: 2,
    })
  }
}

function findMetadataFault(name: string, value: string): 'name' | 'value' | undefined {
  if (!METADATA_NAME.test(name)) return 'name'
  return METADATA_VALUE.test(value) ? undefined : 'value'
}

function findHeaderFault(name: string, value: string): 'name' | 'value' | undefined {
  if (throws(() => validateHeaderName(name))) return 'name'
  return throws(() => validateHeaderValue(name, value)) ? 'value' : undefined
}

function throws(check: () => void): boolean {
  try {
    check()
    return false
  } catch {
    return true
  }
}
