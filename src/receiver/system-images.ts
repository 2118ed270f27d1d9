// SPDX-License-Identifier: Apache-2.0
/**
 * TLS images that are attached at start, used or not: the system's libssl and every node on the usual paths (capture rule 7:
 * the first `curl` after the start must be seen from its first byte). In: the file system. Out: paths.
 * @module
 */
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { readText } from './host.js'

const LIBRARY_FOLDERS = ['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/local/lib64']
const PROGRAM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/node/bin']

export function systemImages(): string[] {
  const paths = new Set<string>()
  for (const folder of libraryFolders())
    for (const name of list(folder)) if (/^libssl\.so/.test(name)) paths.add(join(folder, name))
  const programs = [...PROGRAM_FOLDERS, dirname(process.execPath), ...(process.env['PATH'] ?? '').split(':')]
  for (const folder of programs)
    for (const name of list(folder)) if (name === 'node' || name === 'nodejs') paths.add(join(folder, name))
  const versions = join(homedir(), '.nvm/versions/node')
  for (const version of list(versions)) paths.add(join(versions, version, 'bin/node'))
  return [...paths]
}

/** The dynamic linker's own list, and the folders it uses without one. */
function libraryFolders(): string[] {
  const folders = new Set(LIBRARY_FOLDERS)
  for (const name of list('/etc/ld.so.conf.d')) {
    for (const line of (readText(join('/etc/ld.so.conf.d', name)) ?? '').split('\n'))
      if (line.startsWith('/')) folders.add(line.trim())
  }
  return [...folders]
}

function list(folder: string): string[] {
  try {
    return folder === '' ? [] : readdirSync(folder)
  } catch {
    return []
  }
}
