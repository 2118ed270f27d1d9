// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run fuzz -- http1|sse|openai|anthropic [--count N] [--seed S]`. Out: one JSON line {name, inputs, seconds, failures, …} on
 * stdout, failing seeds with their reason on stderr; exit 1 on a failure, 2 on wrong usage. Input i has the seed S + i, so a
 * failure is repeated with `--seed THAT --count 1`.
 * @module
 */
import { parseArgs } from 'node:util'
import { TARGETS } from './targets.mjs'

const BATCH = 1_000
/** More would say the same. */
const MAX_FAILURES = 20
const PROGRESS_MS = 10_000

const USAGE = `usage: npm run fuzz -- ${Object.keys(TARGETS).join('|')} [--count N] [--seed S]`

function readArguments() {
  const options = {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
  }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [name] = positionals
  const [count, seed] = [Number(values.count), Number(values.seed)]
  const isNatural = (value) => Number.isSafeInteger(value) && value >= 0
  if (positionals.length !== 1 || !Object.hasOwn(TARGETS, name) || !isNatural(count) || !isNatural(seed))
    throw new Error('no such target, or not a number')
  return { name, count, seed }
}

/** A failure ends its batch; the next one begins behind the seed that the error names. */
function fuzz(run, { name, count, seed }) {
  const failures = []
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  let told = started
  let next = seed
  while (next < seed + count && failures.length < MAX_FAILURES) {
    const size = Math.min(BATCH, seed + count - next)
    try {
      run(next, size)
      next += size
    } catch (error) {
      const failed = Number(/seed (\d+)$/.exec(error.message)?.[1])
      if (!Number.isSafeInteger(failed)) throw error
      failures.push(failed)
      console.error(`seed ${failed}: ${error.cause?.stack ?? error.stack}`)
      next = failed + 1
    }
    if (performance.now() - told < PROGRESS_MS) continue
    told = performance.now()
    console.error(
      `${name}: ${next - seed} of ${count} inputs, ${failures.length} failures, ${seconds().toFixed(0)} s`,
    )
  }
  return {
    name,
    inputs: next - seed,
    seconds: Number(seconds().toFixed(1)),
    failures: failures.length,
    seed,
    failedSeeds: failures,
  }
}

let settings
try {
  settings = readArguments()
} catch (error) {
  console.error(`${error.message}\n${USAGE}`)
  process.exit(2)
}
const result = fuzz(await TARGETS[settings.name](), settings)
console.log(JSON.stringify(result))
process.exitCode = result.failures === 0 ? 0 : 1
