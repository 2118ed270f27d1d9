// SPDX-License-Identifier: Apache-2.0
/**
 * The key of all keyed hashes. In: the state folder. Out: 32 bytes, made once and kept with mode 0600; or an ephemeral key
 * and the reason, where nothing can be kept. Refuses a key that others may read or replace.
 * @module
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { SensorError } from '../errors.js'

export interface SensorKey {
  key: Uint8Array
  /** Why it is for this run only: its hashes cannot be compared with those of another. */
  reason?: string
}

const KEY_FILE = 'redaction.key'
const KEY_BYTES = 32
const GROUP_OR_OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o022
/** Nothing can be kept here; everything else is a mistake that the user must hear of. */
const READ_ONLY_CODES = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'ENOSPC', 'EDQUOT'])

export function readOrCreateKey(stateDirectory: string): SensorKey {
  const path = join(stateDirectory, KEY_FILE)
  try {
    makeDirectory(stateDirectory)
    refuseSharedDirectory(stateDirectory)
    return { key: readKey(path) ?? createKey(stateDirectory, path) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof SensorError || code === undefined || !READ_ONLY_CODES.has(code)) throw error
    return { key: randomBytes(KEY_BYTES), reason: `no key can be kept in ${stateDirectory} (${message})` }
  }
}

/**
 * With its parents. Not `mkdir({ recursive: true })`: where a parent can neither be made nor be missing (/proc), Node 20 tries
 * for ever.
 */
function makeDirectory(path: string): void {
  if (!existsSync(path)) {
    const parent = dirname(path)
    if (parent !== path) makeDirectory(parent)
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch (error) {
      // Another sensor that starts now was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  if (!statSync(path).isDirectory())
    throw Object.assign(new Error(`ENOTDIR: ${path} is not a folder`), { code: 'ENOTDIR' })
}

function refuseSharedDirectory(directory: string): void {
  const { mode, uid } = statSync(directory)
  const isOurs = uid === process.geteuid?.() || uid === 0
  if (isOurs && (mode & WRITABLE_BY_OTHERS) === 0) return
  throw refusal(
    `the state folder ${directory} can be written by others, who could replace the key`,
    `sudo chown root ${directory} && sudo chmod 700 ${directory}`,
  )
}

/** `undefined` when there is none yet. */
function readKey(path: string): Uint8Array | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw refusal(`${path} is a symbolic link`, `rm ${path}`)
    throw error
  }
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) throw refusal(`${path} is not a regular file`, `rm ${path}`)
    if ((stat.mode & GROUP_OR_OTHERS) !== 0)
      throw refusal(`${path} can be read by others: its hashes are worthless`, `rm ${path}`)
    if (stat.uid !== process.geteuid?.()) throw refusal(`${path} belongs to another user`, `rm ${path}`)
    const key = Buffer.alloc(KEY_BYTES + 1)
    const length = readSync(file, key)
    if (length !== KEY_BYTES) throw refusal(`${path} is not a key of ${KEY_BYTES} bytes`, `rm ${path}`)
    return key.subarray(0, KEY_BYTES)
  } finally {
    closeSync(file)
  }
}

/** Whole or not at all: written under a name of its own, then linked; of two sensors that start at once, one wins. */
function createKey(directory: string, path: string): Uint8Array {
  const key = randomBytes(KEY_BYTES)
  const temporary = join(directory, `.${KEY_FILE}.${randomBytes(8).toString('hex')}`)
  const file = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(file, key)
    fsyncSync(file)
    linkSync(temporary, path)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readKey(path)!
  } finally {
    closeSync(file)
    unlinkSync(temporary)
  }
}

function refusal(message: string, remedy: string): SensorError {
  return new SensorError({
    code: 'ERR_CONFIG_KEY',
    message,
    hint: `${remedy}   (a new key is made; or name another folder: --state-directory, OISP_STATE_DIRECTORY)`,
    exitCode: 2,
  })
}
