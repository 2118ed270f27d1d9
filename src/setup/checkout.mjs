// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Facts about this checkout: where it is, whose it is, and whether anybody but its owner can change what root would run.
 * In: the file system. Out: facts. Changes nothing.
 * @module
 */
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const ROOT = realpathSync(new URL('../..', import.meta.url).pathname)

/** The sentence is all that the user needs; no stack. */
export class SetupError extends Error {
  isExpected = true
}

/** @typedef {{ uid: number, gid: number, name: string, home: string }} Account */

/** @param {number} uid @returns {Account} an account that /etc/passwd does not know has its number for a name */
export function readAccount(uid) {
  for (const line of readLines('/etc/passwd')) {
    const [name = '', , id, gid, , home = '/'] = line.split(':')
    if (Number(id) === uid && id !== '') return { uid, gid: Number(gid), name, home }
  }
  return { uid, gid: uid, name: `#${uid}`, home: '/' }
}

/** Whoever owns the checkout is the one who builds in it. */
export function checkoutOwner(root = ROOT) {
  return readAccount(statSync(root).uid)
}

/** What root would execute or load, with everything below. */
const EXECUTED = ['package.json', 'src/setup.mjs', 'src/setup', 'dist', 'node_modules', 'native/.output']

/**
 * Root runs what stands in the checkout, so nobody but root, the owner and the caller may be able to change it.
 * @returns {string | undefined} the first path that others can write to
 */
export function writableByOthers(root = ROOT) {
  const trusted = new Set([0, checkoutOwner(root).uid, callerUid()])
  const executed = EXECUTED.map((path) => join(root, path))
    .filter(existsSync)
    .map((path) => realpathSync(path))
  const below = executed.filter((path) => statSync(path).isDirectory()).flatMap(contentsOf)
  const paths = [process.execPath, root, ...executed, ...below]
  const all = new Set(paths.flatMap((path) => [path, ...ancestors(path)]))
  for (const path of [...all].sort()) if (!isProtected(path, trusted)) return path
  return undefined
}

/** @param {string} folder */
function contentsOf(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
}

/** Throws when somebody else could put a program where root would run it. */
export function requireProtectedCheckout() {
  const path = writableByOthers()
  if (path === undefined) return
  throw new SetupError(
    `${path} can be changed by other users, so nothing here is run as root.\n  Help: chmod -R go-w ${ROOT}, or clone into a folder of your own.`,
  )
}

/** @param {string} path @param {ReadonlySet<number>} trusted @returns {boolean} */
function isProtected(path, trusted) {
  const facts = lstatSync(path)
  const { uid, gid, mode } = facts
  if (!trusted.has(uid)) return false
  // A link has no mode of its own; what counts is where it leads.
  if (facts.isSymbolicLink()) return existsSync(path) && isProtected(realpathSync(path), trusted)
  // In a sticky folder (/tmp) others can add names but not replace ours.
  if ((mode & 0o1000) !== 0) return true
  if ((mode & 0o002) !== 0) return false
  return (mode & 0o020) === 0 || isPrivateGroup(gid, uid)
}

/** @type {Map<string, boolean>} */
const privateGroups = new Map()

/** Debian gives every user a group of their own, and a umask of 002 then makes everything group-writable. */
function isPrivateGroup(/** @type {number} */ gid, /** @type {number} */ uid) {
  const key = `${gid}:${uid}`
  const known = privateGroups.get(key) ?? readIsPrivateGroup(gid, uid)
  privateGroups.set(key, known)
  return known
}

function readIsPrivateGroup(/** @type {number} */ gid, /** @type {number} */ uid) {
  if (gid === 0) return true
  const group = readLines('/etc/group')
    .map((line) => line.split(':'))
    .find((fields) => Number(fields[2]) === gid)
  const owner = readAccount(uid)
  const isAlone = (group?.[3] ?? '').split(',').every((member) => member === '' || member === owner.name)
  const others = readLines('/etc/passwd').filter((line) => Number(line.split(':')[3]) === gid)
  return group !== undefined && isAlone && others.every((line) => Number(line.split(':')[2]) === uid)
}

/** @param {string} path @returns {string[]} */
function ancestors(path) {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...ancestors(parent)]
}

export function callerUid() {
  return process.getuid?.() ?? -1
}

/** Every file below a folder (or the file itself), without build products. @param {string} path @returns {string[]} */
export function listFiles(path) {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter((name) => name !== '.output')
    .sort()
    .flatMap((name) => listFiles(join(path, name)))
}

/** @param {string} path */
function readLines(path) {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []
}
