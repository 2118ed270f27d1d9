// SPDX-License-Identifier: Apache-2.0
/**
 * What to call a program: `service.name`. In: what the process room knows. Out: one short name. Of the arguments of an
 * interpreter it reads one, the script's path, and never code or what follows.
 * @module
 */
import type { ProcessRef } from '../process/types.js'

/**
 * The program's own name, not the `unknown_service:<executable>` of the resource conventions: that fallback is for an SDK that
 * was told nothing, while we name what we saw; and backends list, price and group by service.name, where every agent run by
 * `node` or `python3` would otherwise be one service. The self-chosen `comm` counts only when no file is known.
 */
export function toProgramName(process: ProcessRef): string {
  const { executable, comm } = process
  const path = process.script || scriptArgument(process) || executable
  return (path && (packageName(path) ?? fileName(withoutDeleted(path)))) || comm || 'unknown_service'
}

/** What the kernel appends to the path of a program file that was replaced while it ran. */
export function withoutDeleted(path: string): string {
  return path.replace(/ \(deleted\)$/, '')
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

interface Interpreter {
  name: RegExp
  /** What follows is not a script: code, or a module. */
  code: ReadonlySet<string>
  module?: string
  /** Options whose value is the next argument. */
  valued: ReadonlySet<string>
}

/** https://nodejs.org/docs/latest-v20.x/api/cli.html and https://docs.python.org/3/using/cmdline.html, seen 2026-11-25. */
const INTERPRETERS: readonly Interpreter[] = [
  {
    name: /^(?:node|nodejs|bun)$/,
    code: new Set(['-e', '-p', '-pe', '--eval', '--print', '-']),
    valued: new Set([
      '-r',
      '-C',
      '--require',
      '--import',
      '--loader',
      '--experimental-loader',
      '--conditions',
      '--env-file',
      '--title',
      '--inspect-port',
    ]),
  },
  {
    name: /^(?:python|pypy)[0-9.]*$/,
    code: new Set(['-c', '-']),
    module: '-m',
    valued: new Set(['-W', '-X', '--check-hash-based-pycs']),
  },
]

/** `#!/usr/bin/env node` ends as an exec of node itself, so the script's path is only known as an argument. */
function scriptArgument({ executable, arguments: args }: ProcessRef): string | undefined {
  if (executable === undefined) return undefined
  const name = baseName(withoutDeleted(executable))
  const interpreter = INTERPRETERS.find((candidate) => candidate.name.test(name))
  if (interpreter === undefined) return undefined
  for (let at = 1; at < args.length; at++) {
    const argument = args[at]!
    if (interpreter.code.has(argument)) return undefined
    if (argument === interpreter.module) return toModule(args[at + 1])
    if (interpreter.valued.has(argument)) at++
    else if (!argument.startsWith('-')) return isScriptPath(argument) ? argument : undefined
  }
  return undefined
}

function toModule(name: string | undefined): string | undefined {
  return name !== undefined && /^[A-Za-z_][\w.]*$/.test(name) ? name : undefined
}

/** A path or a file with an ending: an unknown option's value is seldom either. */
function isScriptPath(argument: string): boolean {
  return (
    /^[\w@.+~/ -]{1,1024}$/.test(argument) &&
    (argument.includes('/') || /\.[cm]?[jt]sx?$|\.pyw?$/.test(argument))
  )
}

/** `…/node_modules/@scope/agent/dist/cli.js` is `agent`: the entry file of a package seldom says whose it is. */
function packageName(path: string): string | undefined {
  return /.*\/node_modules\/(?:@[^/]+\/)?([^/@.][^/]*)\//.exec(path)?.[1]
}

function fileName(path: string): string {
  const name = baseName(path)
  // `python3 /srv/agent/__main__.py`
  return name === '__main__.py' && path.length > name.length
    ? baseName(path.slice(0, -name.length - 1))
    : name
}
