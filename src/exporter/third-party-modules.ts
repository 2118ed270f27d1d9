// SPDX-License-Identifier: Apache-2.0
/**
 * Third parties by name: loads modules that the configuration lists. In: an absolute path or a package's name, and options for
 * it. Out: the processors and exporters that it makes. Refuses what somebody else could change; knows no telemetry.
 * @module
 */
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SensorError } from '../errors.js'
import { findDistrust, type Distrust } from './module-trust.js'
import type { ThirdParties } from './third-party-sink.js'

export interface ThirdPartyModule {
  /** Absolute path, or a package that is installed where the sensor is. */
  module: string
  /** Handed to the module's factory as it is. */
  options: Readonly<Record<string, unknown>>
}

export interface NamedThirdParties extends ThirdParties {
  name: string
}

export interface LoadSettings {
  findDistrust?: (path: string) => Distrust | undefined
  /** A package's name → URL of its entry. */
  resolve?: (name: string) => string
}

/** In the given order. Throws SensorError for the first that cannot be had. */
export async function loadThirdParties(
  modules: readonly ThirdPartyModule[],
  settings: LoadSettings = {},
): Promise<NamedThirdParties[]> {
  const loaded: NamedThirdParties[] = []
  for (const { module, options } of modules) loaded.push(await load(module, options, settings))
  return loaded
}

async function load(
  name: string,
  options: Readonly<Record<string, unknown>>,
  settings: LoadSettings,
): Promise<NamedThirdParties> {
  const { findDistrust: distrust = findDistrust } = settings
  const url = locate(name, settings)
  const found = attempt(name, 'cannot be read', () => distrust(fileURLToPath(url)))
  if (found !== undefined)
    throw refused(
      `${name} is not loaded: ${found.path} ${found.reason}`,
      "A module runs with the sensor's rights: keep it where only root and the sensor's user can write.",
    )
  const namespace = await importModule(name, url)
  const factory = namespace.createThirdParties ?? namespace.default
  if (factory === undefined)
    throw refused(
      `${name} exports neither createThirdParties nor a default`,
      'See src/exporter/README.md, "Somebody else\'s exporter".',
    )
  const made = await make(name, factory, options)
  return { name, ...checkShape(name, made) }
}

function locate(name: string, { resolve = (each) => import.meta.resolve(each) }: LoadSettings): string {
  if (isAbsolute(name)) return pathToFileURL(name).href
  const url = attempt(name, 'is not installed where the sensor is', () => resolve(name))
  if (url.startsWith('file:')) return url
  throw refused(
    `${name} is part of Node, not a module of processors and exporters`,
    'Name a package or a file.',
  )
}

async function importModule(name: string, url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (cause) {
    throw refused(`${name} cannot be loaded: ${words(cause)}`, 'Start it alone with: node FILE.', cause)
  }
}

async function make(name: string, factory: unknown, options: object): Promise<unknown> {
  if (typeof factory !== 'function') return factory
  try {
    return (await factory(options)) as unknown
  } catch (cause) {
    throw refused(`${name} did not start: ${words(cause)}`, 'Check its options.', cause)
  }
}

/** What each kind must be able to do (interfaces of sdk-trace and sdk-logs). */
const METHODS = {
  spanProcessors: ['onEnd', 'shutdown'],
  logRecordProcessors: ['onEmit', 'shutdown'],
  spanExporters: ['export', 'shutdown'],
  logRecordExporters: ['export', 'shutdown'],
} as const satisfies Record<keyof ThirdParties, readonly string[]>

function checkShape(name: string, made: unknown): ThirdParties {
  const parties = (made ?? {}) as Record<string, unknown>
  let count = 0
  for (const [kind, methods] of Object.entries(METHODS)) {
    const list = parties[kind] ?? []
    if (!Array.isArray(list)) throw refused(`${name}: ${kind} is not a list`, `Return { ${kind}: [...] }.`)
    for (const part of list as Record<string, unknown>[])
      for (const method of methods)
        if (typeof part?.[method] !== 'function')
          throw refused(
            `${name}: one of ${kind} has no ${method}()`,
            "Return objects of the SDK's interface.",
          )
    count += list.length
  }
  if (count === 0)
    throw refused(
      `${name} has no processor and no exporter`,
      `It may return: ${Object.keys(METHODS).join(', ')}.`,
    )
  return parties as ThirdParties
}

function attempt<T>(name: string, what: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw refused(
      `${name} ${what} (${(cause as NodeJS.ErrnoException).code ?? words(cause)})`,
      'Check its name.',
      cause,
    )
  }
}

/** Nothing is captured yet: what the module says is its own. */
function words(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message.split('\n')[0]}` : 'it failed'
}

function refused(message: string, hint: string, cause?: unknown): SensorError {
  return new SensorError({ code: 'ERR_EXPORTER_MODULE', message, hint, exitCode: 2, cause })
}
