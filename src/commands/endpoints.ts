// SPDX-License-Identifier: Apache-2.0
/**
 * Asks each signal's destination, once, whether it would take telemetry. In: destinations. Out: what each answered, in a
 * sentence. Sends an empty Export request and nothing of anybody's.
 * @module
 */
import type { Config } from '../config/index.js'
import {
  createGrpcTransport,
  createHttpTransport,
  displayEndpoint,
  systemClock,
  userAgent,
  type OtlpSettings,
  type Transport,
} from '../exporter/index.js'
import { SensorError } from '../errors.js'

export interface EndpointReport {
  signal: string
  endpoint: string
  protocol: string
  isOk: boolean
  /** How the request ended: as the exporter's counters name it. */
  outcome: string
  /** With the remedy, where one is known. */
  message: string
}

export async function askEndpoints(
  { destinations }: Pick<Config, 'destinations'>,
  version: string,
): Promise<EndpointReport[]> {
  return Promise.all(destinations.map((destination) => ask(destination, version)))
}

/** An Export…ServiceRequest with nothing in it has no bytes. */
const EMPTY_REQUEST = new Uint8Array()

async function ask(destination: OtlpSettings, version: string): Promise<EndpointReport> {
  const { signal, protocol } = destination
  const endpoint = displayEndpoint(destination)
  const report = (isOk: boolean, outcome: string, message: string): EndpointReport => {
    return { signal, endpoint, protocol, isOk, outcome, message }
  }
  let transport: Transport | undefined
  try {
    transport = openTransport(destination, version)
    const result = await transport.send(signal, EMPTY_REQUEST)
    if (result.outcome === 'accepted') return report(true, result.outcome, `${endpoint} takes ${signal}`)
    const remedy =
      result.outcome === 'unsupported'
        ? ` (check the path, or switch the signal off: OTEL_${signal.toUpperCase()}_EXPORTER=none)`
        : ''
    return report(false, result.outcome, result.message + remedy)
  } catch (error) {
    if (!(error instanceof SensorError)) throw error
    return report(false, 'invalid_settings', error.message)
  } finally {
    await transport?.close()
  }
}

function openTransport(destination: OtlpSettings, version: string): Transport {
  // What it would say there is in the answer.
  const log = { info() {}, warn() {} }
  const context = { userAgent: userAgent(version), clock: systemClock, log }
  return destination.protocol === 'grpc'
    ? createGrpcTransport(destination, context)
    : createHttpTransport(destination, context)
}
