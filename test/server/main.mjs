// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The fake providers as a process. In: options as JSON in argv[2], then the messages `read`, `reset` and `stop` of the
 * parent. Out: `ready` with the addresses, and the ledger. It ends with its parent, so a killed test leaves no server.
 * @module
 */
import { createFakeServer } from './server.mjs'

const { ledger, close, ...addresses } = await createFakeServer(JSON.parse(process.argv[2] ?? '{}'))

if (process.send === undefined)
  process.stdout.write(`${JSON.stringify({ pid: process.pid, ...addresses })}\n`)
else process.send({ kind: 'ready', ...addresses })

process.on('message', (/** @type {{ kind: string, number: number }} */ { kind, number }) => {
  if (kind === 'reset') ledger.reset()
  process.send?.({ kind: 'done', number, truth: ledger.read() })
  if (kind === 'stop') stop()
})
process.on('disconnect', stop)
process.on('SIGINT', stop)
process.on('SIGTERM', stop)

function stop() {
  close()
  if (process.connected) process.disconnect()
}
