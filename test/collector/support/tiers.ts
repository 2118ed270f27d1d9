// SPDX-License-Identifier: Apache-2.0
/**
 * Agent and gateway of otel-config/ beside each other on one machine. In: a folder. Out: for each the variables by which an operator
 * gives it ports, folders and short intervals.
 * @module
 */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePorts } from '../../support/free-ports.js'

const FOLDER = resolve(import.meta.dirname, '../../../otel-config')

/** Those for the Collector; the folder also holds what starts it. */
export const CONFIG_NAMES: readonly string[] = readdirSync(FOLDER)
  .filter((name) => /^(agent|gateway)[a-z-]*\.yaml$/.test(name))
  .sort()

export const config = (name: string): string => join(FOLDER, name)

export type Tiers = Awaited<ReturnType<typeof makeTiers>>

export async function makeTiers(folder: string) {
  const ports = await freePorts(9)
  const nextPort = (): string => String(ports.pop())
  const nextAddress = (): string => `127.0.0.1:${nextPort()}`
  const gateway = {
    GATEWAY_GRPC: nextAddress(),
    GATEWAY_HTTP: nextAddress(),
    GATEWAY_HEALTH: nextAddress(),
    GATEWAY_PROMETHEUS: nextAddress(),
    GATEWAY_TELEMETRY_PORT: nextPort(),
    GATEWAY_DIRECTORY: join(folder, 'gateway'),
    GATEWAY_DECISION_WAIT: '500ms',
    GATEWAY_METRICS_INTERVAL: '500ms',
    GATEWAY_BASELINE_PERCENT: '100',
  }
  const agent = {
    AGENT_GRPC: nextAddress(),
    AGENT_HTTP: nextAddress(),
    AGENT_HEALTH: nextAddress(),
    AGENT_TELEMETRY_PORT: nextPort(),
    AGENT_DIRECTORY: join(folder, 'agent'),
    AGENT_GATEWAY: gateway.GATEWAY_GRPC,
    AGENT_GATEWAY_INSECURE: 'true',
  }
  return { agent, gateway }
}
