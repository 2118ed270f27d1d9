// SPDX-License-Identifier: Apache-2.0
/**
 * Whether anybody else can change what a privileged process is about to obey or to load. In: a path. Out: the first path that
 * others can write to. The rule is that of the set-up's check of the checkout (src/setup/checkout.mjs), which must work before
 * anything is built and so cannot be shared.
 * @module
 */
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Root, ourselves, and whoever owns this program: they decide what runs here anyway. */
export function trustedUsers(): ReadonlySet<number> {
  return new Set([0, process.geteuid?.() ?? -1, statSync(import.meta.dirname).uid])
}

/** Looks at the file, at what a link leads to, and at every folder above both. */
export function findWritableByOthers(path: string, trusted: ReadonlySet<number>): string | undefined {
  const real = realpathSync(path)
  const all = new Set([path, real].flatMap((each) => [each, ...ancestorsOf(each)]))
  return [...all].sort().find((each) => !isProtected(each, trusted))
}

function isProtected(path: string, trusted: ReadonlySet<number>): boolean {
  const facts = lstatSync(path)
  if (!trusted.has(facts.uid)) return false
  // A link has no mode of its own; what counts is where it leads.
  if (facts.isSymbolicLink()) return existsSync(path) && isProtected(realpathSync(path), trusted)
  // In a sticky folder (/tmp) others can add names but not replace ours.
  if ((facts.mode & 0o1000) !== 0) return true
  if ((facts.mode & 0o002) !== 0) return false
  return (facts.mode & 0o020) === 0 || isPrivateGroup(facts.gid, facts.uid)
}

/** Debian gives every user a group of their own, and a umask of 002 then makes everything group-writable. */
function isPrivateGroup(gid: number, uid: number): boolean {
  if (gid === 0) return true
  const accounts = readTable('/etc/passwd')
  const owner = accounts.find((fields) => Number(fields[2]) === uid)?.[0]
  const group = readTable('/etc/group').find((fields) => Number(fields[2]) === gid)
  const isAlone = (group?.[3] ?? '').split(',').every((member) => member === '' || member === owner)
  const others = accounts.filter((fields) => Number(fields[3]) === gid && Number(fields[2]) !== uid)
  return group !== undefined && isAlone && others.length === 0
}

function readTable(path: string): string[][] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'))
}

function ancestorsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...ancestorsOf(parent)]
}
