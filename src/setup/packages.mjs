// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Which Debian packages are needed and why. In: a purpose. Out: what is missing is installed through apt-get, as root.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, rootAccessOf } from './accounts.mjs'
import { runStep } from './step.mjs'

/** @typedef {{ name: string, why: string, isPresent: () => boolean }} Package */

/** @type {Package[]} */
export const BUILD_PACKAGES = [
  { name: 'clang', why: 'compiles the BPF programs', isPresent: () => has('clang') },
  { name: 'bpftool', why: 'links them and writes their loader', isPresent: () => has('bpftool') },
  {
    name: 'libbpf-dev',
    why: 'loads and attaches them',
    isPresent: () => existsSync('/usr/include/bpf/libbpf.h'),
  },
  { name: 'g++', why: 'compiles the Node addon', isPresent: () => has('g++') },
  { name: 'make', why: 'runs both builds', isPresent: () => has('make') },
]

/** @type {Package[]} */
export const CLIENT_PACKAGES = [
  { name: 'curl', why: 'a client to watch', isPresent: () => has('curl') },
  // Debian's own, which is linked to the system's libssl; a version manager's does not count.
  { name: 'python3', why: 'a client to watch', isPresent: () => existsSync('/usr/bin/python3') },
]

/** @type {Package[]} */
export const TEST_PACKAGES = [
  { name: 'openssl', why: 'makes certificates', isPresent: () => has('openssl') },
  {
    name: 'python3-venv',
    why: 'holds the Python SDKs that tests watch',
    isPresent: () => hasFile('/usr/lib', /^python3\.\d+$/, 'ensurepip'),
  },
  {
    name: 'ca-certificates',
    why: 'lets pip verify the package index',
    isPresent: () => existsSync('/etc/ssl/certs/ca-certificates.crt'),
  },
]

/** @param {string} folder @param {RegExp} pattern @param {string} name */
function hasFile(folder, pattern, name) {
  return readdirSync(folder).some((entry) => pattern.test(entry) && existsSync(join(folder, entry, name)))
}

/** @param {string} program */
function has(program) {
  return findProgram(program) !== undefined
}

/** @param {Package[]} wanted @returns {Promise<string | undefined>} why they could not be installed */
export async function installPackages(wanted) {
  const missing = wanted.filter(({ isPresent }) => !isPresent())
  if (missing.length === 0) return undefined
  const names = missing.map(({ name }) => name)
  console.log('Missing Debian packages:')
  for (const { name, why } of missing) console.log(`  ${name.padEnd(12)} ${why}`)
  const byHand = `install them by hand: apt-get install ${names.join(' ')}`
  if (findProgram('apt-get') === undefined) return `there is no apt-get here; ${byHand}`
  const { isPossible, reason } = rootAccessOf()
  if (!isPossible) return `${reason}; ${byHand}`
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await runStep('apt-get update', 0, ['apt-get', 'update'], env)
  await runStep(
    `apt-get install ${names.join(' ')}`,
    0,
    ['apt-get', 'install', '-y', '--no-install-recommends', ...names],
    env,
  )
  return undefined
}
