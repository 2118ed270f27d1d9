// SPDX-License-Identifier: Apache-2.0
/**
 * The import rules of the architecture, read from the import lines themselves. A room may see: itself, the shared vocabulary,
 * and the types of its upstream room; never another room's code.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const source = resolve(import.meta.dirname, '../src')

interface Import {
  file: string
  /** `src`-relative without extension for our own files, else the specifier. */
  target: string
  isOwn: boolean
}

const files = (readdirSync(source, { recursive: true }) as string[])
  .filter((name) => /\.(ts|mjs)$/.test(name) && !/\.(test|cases)\.ts$/.test(name))
  .sort()

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8')
  const specifiers = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]/g),
    ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
    ...text.matchAll(/(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g),
  ].map((match) => match[1]!)
  return specifiers.map((specifier) => {
    if (!specifier.startsWith('.')) return { file, target: specifier, isOwn: false }
    const target = relative(source, resolve(source, dirname(file), specifier)).replace(/\.[jt]s$/, '')
    return { file, target, isOwn: true }
  })
}

const all = files.flatMap(importsOf)
const own = all.filter(({ isOwn }) => isOwn)
const foreign = all.filter(({ isOwn }) => !isOwn)

const SHARED = ['consumer', 'errors', 'stats', 'semconv']
/** Room -> the room before it. */
const UPSTREAM: Record<string, string | undefined> = {
  receiver: undefined,
  process: 'receiver',
  stream: 'process',
  protocol: 'stream',
  provider: 'protocol',
  run: 'provider',
  redaction: 'run',
  exporter: 'redaction',
  health: undefined,
}
/** What the sensor says of itself comes to the exporter from the side. */
const BESIDE: Record<string, string[]> = { exporter: ['health/types'] }
const roomOf = (path: string): string => path.split('/')[0]!
const isRoom = (path: string): boolean => path.includes('/') && roomOf(path) in UPSTREAM

/** Types that an upstream `types.ts` speaks of may be named further down (a ProcessRef travels to the end). */
function upstreamTypes(room: string): string[] {
  const out = [...(BESIDE[room] ?? [])]
  for (let at = UPSTREAM[room]; at !== undefined; at = UPSTREAM[at]) out.push(`${at}/types`)
  return out
}

const describeAll = (imports: Import[]): string[] => imports.map(({ file, target }) => `${file} -> ${target}`)

describe('architecture', () => {
  it('finds the files and their imports', () => {
    expect(files.length).toBeGreaterThan(30)
    expect(own.length).toBeGreaterThan(50)
  })

  it('keeps the shared vocabulary free of our own imports', () => {
    const broken = own.filter(({ file }) => SHARED.includes(file.replace(/\.ts$/, '')))
    expect(describeAll(broken)).toEqual([])
  })

  it('lets a room see only itself, the shared vocabulary and upstream types', () => {
    const broken = own.filter(({ file, target }) => {
      if (!isRoom(file)) return false
      const room = roomOf(file)
      return !(roomOf(target) === room || SHARED.includes(target) || upstreamTypes(room).includes(target))
    })
    expect(describeAll(broken)).toEqual([])
  })

  it('lets only pipeline, main and the commands see rooms, through their index or types', () => {
    const broken = own.filter(({ file, target }) => {
      if (isRoom(file) || !isRoom(target)) return false
      const isWiring =
        ['pipeline.ts', 'main.ts', 'log.ts'].includes(file) || /^(commands|config|setup)\//.test(file)
      return !isWiring || !/^\w+\/(index|types)$/.test(target)
    })
    expect(describeAll(broken)).toEqual([])
  })

  it.each([
    ['@grpc/grpc-js', /^exporter\//],
    ['protobufjs', /^(exporter\/|receiver\/recording\.ts$)/],
    ['pino', /^log\.ts$/],
    ['@opentelemetry/exporter-logs-otlp-grpc', /^log\.ts$/],
    ['commander', /^(main\.ts$|commands\/)/],
    ['node:http', /^(exporter\/|commands\/|setup)/],
    ['node:https', /^(exporter\/|commands\/|setup)/],
    ['node:fs', /^(receiver\/|exporter\/|config\/|commands\/|main\.ts$|setup)/],
    ['node:child_process', /^(commands\/|main\.ts$|setup)/],
  ])('keeps %s where it belongs', (name, allowed) => {
    const broken = foreign.filter(
      ({ file, target }) => (target === name || target.startsWith(`${name}/`)) && !allowed.test(file),
    )
    expect(describeAll(broken)).toEqual([])
  })

  it('loads the native addon in one place', () => {
    const loaders = files.filter((file) => /oisp_sensor\.node/.test(readFileSync(join(source, file), 'utf8')))
    expect(loaders.filter((file) => !file.startsWith('setup'))).toEqual(['receiver/addon.ts'])
  })

  it('lets only redaction make Redacted values', () => {
    const casts = files.filter(
      (file) =>
        !file.startsWith('redaction/') &&
        /\bas (unknown as )?Redacted\b/.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(casts).toEqual([])
  })

  it('lets only the receiver, the exporter and the commands ask the time or set timers', () => {
    const clock = /\b(Date\.now|new Date\(\)|performance\.now|process\.hrtime|setTimeout|setInterval)\b/
    const broken = files.filter(
      (file) =>
        !/^(receiver|exporter|commands|setup)/.test(file) &&
        file !== 'main.ts' &&
        clock.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(broken).toEqual([])
  })

  it('gives every file its licence and a purpose', () => {
    const broken = files.filter((file) => {
      const text = readFileSync(join(source, file), 'utf8')
      return (
        !/^(#!.*\n)?\/\/ SPDX-License-Identifier: Apache-2\.0\n/.test(text) ||
        !/@module/.test(text.slice(0, 1200))
      )
    })
    expect(broken).toEqual([])
  })
})
