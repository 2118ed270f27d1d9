// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * One step of the set-up on the screen. In: a title and a program. Out: a line that grows while it runs, its output only
 * when it fails. Knows nothing of what the step does.
 * @module
 */
import { SetupError } from './checkout.mjs'
import { spawnAs } from './accounts.mjs'

const FIRST_SIGN_MS = 2000
const SIGN_MS = 5000
const KEPT_CHARACTERS = 8000

/**
 * @param {string} title
 * @param {number} uid
 * @param {string[]} command
 * @param {Record<string, string>} [env]
 */
export async function runStep(title, uid, command, env = {}) {
  const begin = Date.now()
  console.log(`• ${title}`)
  const { child, ended } = spawnAs(uid, command, { output: 'pipe', env })
  let tail = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      tail = (tail + text).slice(-KEPT_CHARACTERS)
    })
  let timer = setTimeout(function sign() {
    console.log(`  … ${seconds(begin)} ${lastLine(tail)}`)
    timer = setTimeout(sign, SIGN_MS)
  }, FIRST_SIGN_MS)
  const code = await ended.finally(() => clearTimeout(timer))
  if (code !== 0) throw new SetupError(`${title}: failed (exit ${code})\n${tail}`)
  if (Date.now() - begin >= FIRST_SIGN_MS) console.log(`  done in ${seconds(begin)}`)
}

/** @param {number} begin */
function seconds(begin) {
  return `${((Date.now() - begin) / 1000).toFixed(1)} s`
}

/** @param {string} text */
function lastLine(text) {
  return (text.trimEnd().split('\n').at(-1) ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, 80)
}
