// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Starts the fake providers in a process of their own. In: options. Out: addresses and a way to ask for the ground truth.
 * Knows only the messages of main.mjs.
 * @module
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * @typedef {object} FakeServer
 * @property {number} pid
 * @property {string} baseUrl without a path
 * @property {string} farUrl the same server, `distanceMs` away
 * @property {string} proxyUrl an HTTPS proxy
 * @property {string} caFile
 * @property {() => Promise<import('./ledger.mjs').Truth>} read
 * @property {() => Promise<unknown>} reset forgets what has ended
 * @property {() => Promise<void>} stop
 */

/**
 * @param {import('./server.mjs').ServerOptions} [options]
 * @returns {Promise<FakeServer>}
 */
export async function startFakeServer(options = {}) {
  const child = fork(new URL('./main.mjs', import.meta.url), [JSON.stringify(options)], { execArgv: [] })
  const gone = once(child, 'exit')
  const [ready] = await Promise.race([
    once(child, 'message'),
    gone.then(() => Promise.reject(new Error('the fake server ended before it was ready'))),
  ])
  let number = 0
  /** @param {string} kind @returns {Promise<import('./ledger.mjs').Truth>} */
  const ask = (kind) =>
    new Promise((resolve, reject) => {
      const wanted = number++
      const onMessage = (/** @type {any} */ message) => {
        if (message.number !== wanted) return
        child.off('message', onMessage)
        resolve(message.truth)
      }
      child.on('message', onMessage)
      child.send({ kind, number: wanted }, (error) => error && reject(error))
    })
  return {
    ...ready,
    pid: child.pid,
    read: () => ask('read'),
    reset: () => ask('reset'),
    async stop() {
      if (child.connected) await ask('stop')
      await gone
    },
  }
}
