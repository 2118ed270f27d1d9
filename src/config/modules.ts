// SPDX-License-Identifier: Apache-2.0
/**
 * Third parties' modules, checked before anything is loaded. In: what the file says. Out: the same, or the first mistake. Loads
 * nothing.
 * @module
 */
import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { findWritableByOthers, trustedUsers } from './protect.js'
import { invalid, type ModuleSettings, type Said } from './values.js'

const PACKAGE = /^(@[a-z0-9._-]+\/)?[a-z0-9][a-z0-9._-]*(\/[\w./-]+)?$/i

export function checkModules(said: Said | undefined, userId: number): ModuleSettings[] {
  const modules = said?.modules ?? []
  for (const { module } of modules) checkModule(said!, module, userId)
  return modules.map((each) => Object.freeze({ ...each }))
}

function checkModule(said: Said, module: string, userId: number): void {
  if (!isAbsolute(module)) {
    if (PACKAGE.test(module) && !module.split('/').includes('..')) return
    throw invalid(
      said,
      `${JSON.stringify(module)} is neither an absolute path nor the name of a package`,
      'For example: /opt/acme/exporter.mjs, or @acme/exporter.',
    )
  }
  if (!existsSync(module))
    throw invalid(said, `${module} is not there`, 'Name a file that this user may read.')
  // Whoever may change it decides what runs here, with everything that was captured (redacted) and, as root, with root's rights.
  const trusted = new Set([...trustedUsers(), userId])
  const writable = findWritableByOthers(module, trusted)
  if (writable === undefined) return
  throw invalid(
    said,
    `${writable} can be changed by other users, so ${module} is not loaded`,
    'Put the module where only root and you can write.',
  )
}
