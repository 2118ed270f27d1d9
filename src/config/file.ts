// SPDX-License-Identifier: Apache-2.0
/**
 * The configuration file: YAML in the manner of an OpenTelemetry Collector's. In: a path. Out: what it says, by path of the
 * setting, each with its line and column; or the first mistake as a `SensorError` that names them. Judges no value.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats as FileFacts } from 'node:fs'
import { resolve } from 'node:path'
import { LineCounter, parseDocument, type Document } from 'yaml'
import { SensorError } from '../errors.js'
import { FileReader, fileError, type FileSettings } from './file-reader.js'
import { findWritableByOthers, trustedUsers } from './protect.js'
import type { Environment } from './types.js'

const MAX_FILE_BYTES = 1024 * 1024
const READABLE_BY_OTHERS = 0o044

export interface FileInput {
  path: string
  env: Environment
  /** Effective user id: root obeys no file that others can write. */
  userId: number
}

export function readConfigFile({ path, env, userId }: FileInput): FileSettings {
  const { text, facts } = readText(path)
  if (userId === 0) refuseForeign(path)
  const settings = parseConfigFile(text, path, env)
  if (settings.hasSecrets && (facts.mode & READABLE_BY_OTHERS) !== 0)
    settings.warnings.push(`${path} holds headers and can be read by others: chmod 600 ${path}`)
  return settings
}

export function parseConfigFile(text: string, path: string, env: Environment): FileSettings {
  const lines = new LineCounter()
  const reader = new FileReader(path, lines, env)
  const document = parseYaml(text, path, lines)
  const [error] = document.errors
  if (error) {
    const [start] = error.linePos ?? []
    throw fileError(path, start, error.message.split(' at line ')[0]!, 'It must be one YAML document.')
  }
  return reader.read(document)
}

function parseYaml(text: string, path: string, lineCounter: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, schema: 'core', logLevel: 'silent' })
  } catch {
    // Nested beyond all measure: the parser has run out of stack.
    throw fileError(path, undefined, 'cannot be parsed', 'It must be one YAML document of a sane depth.')
  }
}

function readText(path: string): { text: string; facts: FileFacts } {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw refusal(
      `the configuration file ${path} cannot be read (${code})`,
      'Name a file that is there: --config FILE.',
    )
  }
  try {
    const facts = fstatSync(file)
    if (!facts.isFile())
      throw refusal(`the configuration file ${path} is not a regular file`, 'Name a YAML file.')
    if (facts.size > MAX_FILE_BYTES)
      throw refusal(`the configuration file ${path} is larger than 1 MiB`, 'Is it the right file?')
    return { text: readFileSync(file, 'utf8'), facts }
  } finally {
    closeSync(file)
  }
}

/** It decides where everything goes and which modules root loads. */
function refuseForeign(path: string): void {
  const writable = findWritableByOthers(resolve(path), trustedUsers())
  if (writable === undefined) return
  throw refusal(
    `${writable} can be changed by other users, so root does not obey ${path}`,
    `sudo chown root ${writable} && sudo chmod go-w ${writable}, or keep the file in a folder of root's.`,
  )
}

function refusal(message: string, hint: string): SensorError {
  return new SensorError({ code: 'ERR_CONFIG_FILE', message, hint, exitCode: 2 })
}
