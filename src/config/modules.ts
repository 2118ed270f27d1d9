// SPDX-License-Identifier: Apache-2.0
/**
 * Names of third parties' modules. In: what the file says. Out: the same, or the first mistake. Whether a module is there and may
 * be trusted is looked at when it is loaded (src/exporter/third-party-modules.ts).
 * @module
 */
import { isAbsolute } from 'node:path'
import { invalid, type ModuleSettings, type Said } from './values.js'

const PACKAGE = /^(@[a-z0-9._-]+\/)?[a-z0-9][a-z0-9._-]*(\/[\w./-]+)?$/i

export function checkModules(said: Said | undefined): ModuleSettings[] {
  const modules = said?.modules ?? []
  for (const { module } of modules)
    if (!isAbsolute(module) && (!PACKAGE.test(module) || module.split('/').includes('..')))
      throw invalid(
        said!,
        `${JSON.stringify(module)} is neither an absolute path nor the name of a package`,
        'For example: /opt/acme/exporter.mjs, or @acme/exporter.',
      )
  return modules.map((each) => Object.freeze({ ...each }))
}
