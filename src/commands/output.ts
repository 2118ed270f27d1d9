// SPDX-License-Identifier: Apache-2.0
/**
 * The command's words to its user on standard error; standard output is for results. In: lines. Knows no log.
 * @module
 */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
