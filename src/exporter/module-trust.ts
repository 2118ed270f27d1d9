// SPDX-License-Identifier: Apache-2.0
/**
 * Whether only root, we and the owner of this program decide what is in a file. In: a path. Out: the first file or folder that
 * somebody else could change, with the reason. Loads nothing.
 *
 * What remains: Node opens the file after this look, so whoever may write there now could have changed it between; but those
 * are exactly the ones the look refuses. Files that the module itself imports are not looked at: they are its author's word.
 * An ACL that grants more than the mode says shows in the group bits (acl(5)) and is refused with them.
 * @module
 */
import { lstatSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Distrust {
  path: string
  reason: string
}

/** The link's own place counts as much as where it leads. Throws when there is no such file. */
export function findDistrust(
  path: string,
  trusted: ReadonlySet<number> = trustedUsers(),
): Distrust | undefined {
  const real = realpathSync(path)
  const all = new Set([path, real].flatMap((each) => [...ancestorsOf(each), each]))
  for (const each of all) {
    const reason = findReason(each, trusted)
    if (reason !== undefined) return { path: each, reason }
  }
  return undefined
}

/** Whoever owns this program decides what runs here anyway (a checkout of a user who starts it with sudo). */
function trustedUsers(): ReadonlySet<number> {
  return new Set([0, process.geteuid?.() ?? -1, statSync(import.meta.dirname).uid])
}

function findReason(path: string, trusted: ReadonlySet<number>): string | undefined {
  const { uid, mode } = lstatSync(path)
  if (!trusted.has(uid)) return `belongs to user ${uid}`
  // A link has no mode of its own.
  if (lstatSync(path).isSymbolicLink()) return undefined
  // The sticky bit keeps others from replacing a file, not from putting a package.json or a node_modules beside it.
  if ((mode & 0o002) !== 0) return 'may be written by everybody'
  return (mode & 0o020) === 0 ? undefined : 'may be written by its group'
}

/** From the root down, so that the outermost one is named. */
function ancestorsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...ancestorsOf(parent), parent]
}
