// SPDX-License-Identifier: Apache-2.0
/**
 * Before all: says what the suite needs, builds the Collector once and the sensor's TypeScript as it stands. In: nothing. Out: the
 * binary's path, or the reason why there is none; with LIVE_REQUIRED=1 that reason is a failure.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildCollector, missingForCollector } from './build.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined when it cannot be built; `missing` says why. */
    collector: { binary: string | undefined; missing: string }
  }
}

const ROOT = resolve(import.meta.dirname, '../..')

export default function setup(project: TestProject): void {
  console.log('needs: Go (builds the Collector into .cache/collector, once), openssl (makes certificates)')
  const missing = findMissing()
  if (missing !== undefined && process.env['LIVE_REQUIRED'] === '1') throw new Error(missing)
  if (missing !== undefined) console.log(`SKIPPED, all of it: ${missing}`)
  project.provide('collector', {
    binary: missing === undefined ? buildCollector() : undefined,
    missing: missing ?? '',
  })
  const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', ROOT], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the sensor does not compile:\n${stdout}`)
}

function findMissing(): string | undefined {
  if (spawnSync('openssl', ['version']).status !== 0) return 'openssl is not installed'
  return missingForCollector()
}
