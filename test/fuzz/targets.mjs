// SPDX-License-Identifier: Apache-2.0
/**
 * What can be fuzzed: a name and its room's own generator and rules, the same that the unit tests run a few thousand times. In: the
 * compiled `fuzz.cases.ts` of a room. Out: run(seed, count), which throws on the first input that breaks a rule.
 * @module
 */
const BUILT = new URL('../../dist/fuzz/', import.meta.url)
const load = (room) => import(new URL(`${room}/fuzz.cases.js`, BUILT).href)

/** A new target is one line. */
export const TARGETS = {
  http1: async () => (await load('protocol')).fuzzHttp1,
  sse: async () => providerTarget('sse'),
  openai: async () => providerTarget('openai'),
  anthropic: async () => providerTarget('anthropic'),
}

async function providerTarget(name) {
  const { fuzz } = await load('provider')
  return (seed, count) => fuzz(name, seed, count)
}
