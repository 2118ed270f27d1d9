// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Builds one part of the checkout. In: a part's name in argv; runs as the checkout's owner. Out: the build products and a
 * stamp of what they were made from. Imported, it only answers whether a part is up to date.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles, ROOT } from './checkout.mjs'

/** @typedef {'ts' | 'bpf' | 'native'} Part */

/** @type {Record<Part, { command: string[], inputs: string[], output: string }>} */
const PARTS = {
  ts: {
    command: [process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
    inputs: ['src', 'tsconfig.json', 'package-lock.json'],
    output: 'dist/main.js',
  },
  bpf: { command: ['make', '-s', '-C', 'bpf'], inputs: ['bpf'], output: 'bpf/.output/capture.skel.h' },
  native: {
    command: ['make', '-s', '-C', 'native'],
    inputs: ['native', 'bpf/capture.h', 'bpf/.output/capture.skel.h', 'package-lock.json'],
    output: 'native/.output/oisp_sensor.node',
  },
}
const NOT_BUILT = /\.(test\.ts|cases\.ts|mjs|md)$/

/** @param {Part} part */
export function isBuilt(part) {
  const stamp = stampFile(part)
  return (
    existsSync(join(ROOT, PARTS[part].output)) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === signature(part)
  )
}

/** Names, sizes and times of a part's inputs: reading a few hundred files on every start would be felt. @param {Part} part */
function signature(part) {
  const hash = createHash('sha256')
  for (const path of PARTS[part].inputs.flatMap((input) => listFiles(join(ROOT, input)))) {
    if (NOT_BUILT.test(path)) continue
    const { size, mtimeMs } = statSync(path)
    hash.update(`${path}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** @param {Part} part */
function stampFile(part) {
  return join(ROOT, '.cache/setup', part)
}

/**
 * npm writes what it installed into node_modules; the lock file is what should be there.
 * @returns {boolean}
 */
export function areModulesInstalled() {
  const installed = readPackages('node_modules/.package-lock.json')
  const isThere = (/** @type {[string, any]} */ [path, { version, optional }]) =>
    path === '' || optional === true || installed?.[path]?.version === version
  return installed !== undefined && Object.entries(readPackages('package-lock.json') ?? {}).every(isThere)
}

/** @param {string} file @returns {Record<string, any> | undefined} */
function readPackages(file) {
  const path = join(ROOT, file)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined
}

/** @param {Part} part */
function build(part) {
  const before = signature(part)
  const [program = '', ...args] = PARTS[part].command
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' })
  if (error !== undefined) console.error(`${program}: ${error.message}`)
  if (status !== 0) return status ?? 1
  mkdirSync(join(ROOT, '.cache/setup'), { recursive: true })
  // Of the inputs as they were when the build began: an edit during it is built next time.
  writeFileSync(stampFile(part), before)
  return 0
}

const [, script, part] = process.argv
if (script === join(ROOT, 'src/setup/build.mjs')) process.exitCode = build(/** @type {Part} */ (part))
