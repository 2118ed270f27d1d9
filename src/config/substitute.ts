// SPDX-License-Identifier: Apache-2.0
/**
 * `${env:NAME}`, `${env:NAME:-default}` (Collector), `${NAME:-default}` (OpenTelemetry declarative configuration) and `$$` in
 * one value of the file. In: text. Out: text. What a variable holds is not looked at again.
 * @module
 */
import type { Environment } from './types.js'

export type Substitution = { text: string; unset: string[] } | { problem: string; hint: string }

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** `unset` names the variables that are not set and have no default: they count as empty. */
export function substitute(text: string, env: Environment): Substitution {
  const unset: string[] = []
  let problem: Substitution | undefined
  const out = text.replace(/\$\$|\$\{([^}]*)(\}?)/g, (match, inner: string | undefined, close: string) => {
    if (inner === undefined) return '$'
    const [reference, ...rest] = inner.split(':-')
    const name = reference!.replace(/^env:/, '')
    if (close === '' || !NAME.test(name)) {
      problem ??= describeProblem(match, reference!)
      return ''
    }
    const value = env[name]
    // As in the Collector and in a shell: the default also replaces an empty value.
    if (value !== undefined && value !== '') return value
    if (rest.length === 0 && value === undefined) unset.push(name)
    return rest.join(':-')
  })
  return problem ?? { text: out, unset }
}

function describeProblem(match: string, reference: string): Substitution {
  const scheme = /^([a-z]+):/.exec(reference)?.[1]
  const problem =
    scheme !== undefined && scheme !== 'env'
      ? `\${${scheme}:…} is not known: only env is`
      : `${JSON.stringify(match.slice(0, 40))} names no variable`
  return { problem, hint: 'Write ${env:NAME} or ${env:NAME:-default}; $$ stands for one $.' }
}
