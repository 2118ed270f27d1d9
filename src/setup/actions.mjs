// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The words after `node src/setup.mjs`. In: a word and its arguments. Out: an exit code.
 * @module
 */
import { demo } from './demo.mjs'
import { start } from './start.mjs'
import { runTests } from './tests.mjs'

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const ACTIONS = { start, demo, test: runTests }

/** @param {string | undefined} word @param {string[]} args */
export async function perform(word, args) {
  const action = ACTIONS[word ?? '']
  if (action === undefined) {
    console.error(`usage: node src/setup.mjs ${Object.keys(ACTIONS).join('|')}`)
    return 2
  }
  return action(args)
}
