// SPDX-License-Identifier: Apache-2.0
/**
 * Before all: says what the suite needs, installs Phoenix once and builds the sensor's TypeScript as it stands. In: nothing. Out: where
 * Phoenix is, or the reason why it is not; with LIVE_REQUIRED=1 that reason is a failure. Installs nothing outside `.cache`.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined when it cannot run; `missing` says why. */
    phoenix: { program: string | undefined; missing: string }
  }
}

const ROOT = resolve(import.meta.dirname, '../..')
const CACHE = join(ROOT, '.cache/phoenix')
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
/** Debian's, as for the clients (test/workloads/run.mjs). */
const PYTHON = '/usr/bin/python3'

export default function setup(project: TestProject): void {
  console.log(
    'needs: Debian packages python3-venv (Phoenix, 850 MB in .cache/phoenix, once) and chromium (renders its page)',
  )
  const missing = findMissing()
  if (missing !== undefined && process.env['LIVE_REQUIRED'] === '1') throw new Error(missing)
  if (missing !== undefined) console.log(`SKIPPED, all of it: ${missing}`)
  const program = missing === undefined ? installPhoenix() : undefined
  project.provide('phoenix', { program, missing: missing ?? '' })
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', ROOT])
}

function findMissing(): string | undefined {
  if (spawnSync('chromium', ['--version']).status !== 0)
    return 'there is no chromium command (Debian package chromium)'
  if (spawnSync(PYTHON, ['-c', 'import ensurepip, venv']).status !== 0)
    return `${PYTHON} cannot make a virtual environment (Debian package python3-venv)`
  return undefined
}

function installPhoenix(): string {
  const venv = join(CACHE, 'venv')
  const program = join(venv, 'bin/phoenix')
  const stamp = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex')
  const stampFile = join(CACHE, 'requirements.sha256')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return program
  console.log('phoenix: installing, about 2 minutes')
  const begin = Date.now()
  rmSync(stampFile, { force: true })
  rmSync(venv, { recursive: true, force: true })
  mkdirSync(CACHE, { recursive: true })
  run(PYTHON, ['-m', 'venv', venv])
  const pip = join(venv, 'bin/pip')
  run(pip, ['install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS])
  writeFileSync(stampFile, stamp)
  console.log(`phoenix: ${Math.round((Date.now() - begin) / 1000)} s`)
  return program
}

function run(command: string, args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} failed:\n${error?.message ?? stdout + stderr}`)
}
