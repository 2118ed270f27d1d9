// SPDX-License-Identifier: Apache-2.0
/**
 * One chat completion between a real client and a throw-away TLS server in this process. In: a marker for the client's
 * arguments. Out: whether the client got its answer. Knows nothing of capture; the sensor never captures itself, so only the
 * client's side is seen.
 * @module
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeServerIdentity } from './certificate.js'

export interface ClientResult {
  /** `curl` or `node`. */
  client: string
  /** Undefined: the client got its answer. */
  failure: string | undefined
}

export const SELF_CHECK_MODEL = 'self-check'
const CLIENT_TIMEOUT_MS = 5000
/** Never from PATH: this runs as root. */
const CURL = '/usr/bin/curl'
const REQUEST = JSON.stringify({ model: SELF_CHECK_MODEL, messages: [{ role: 'user', content: 'ping' }] })
const RESPONSE = JSON.stringify({
  id: 'chatcmpl-self-check',
  object: 'chat.completion',
  created: 0,
  model: SELF_CHECK_MODEL,
  choices: [{ index: 0, message: { role: 'assistant', content: 'pong' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
})

export async function makeExchange(marker: string): Promise<ClientResult> {
  const server = createServer(makeServerIdentity(), (request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(RESPONSE)
    })
  })
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    return await runClient(`https://127.0.0.1:${port}/v1/chat/completions`, marker)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function runClient(url: string, marker: string): Promise<ClientResult> {
  const [client, program, args] = existsSync(CURL)
    ? (['curl', CURL, curlArguments(url, marker)] as const)
    : (['node', process.execPath, nodeArguments(url, marker)] as const)
  return new Promise((resolve) => {
    // No proxy, no configuration file and no credentials of the user: this exchange stays on the loopback.
    const options = { timeout: CLIENT_TIMEOUT_MS, env: {} }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error !== null) resolve({ client, failure: `${client} failed: ${stderr.trim() || error.message}` })
      else resolve({ client, failure: stdout.includes('pong') ? undefined : `${client} got no answer` })
    })
  })
}

function curlArguments(url: string, marker: string): string[] {
  const headers = ['Content-Type: application/json', `X-Self-Check: ${marker}`]
  return [
    '-q',
    '-sS',
    '--insecure',
    '--http1.1',
    ...headers.flatMap((header) => ['-H', header]),
    '-d',
    REQUEST,
    url,
  ]
}

const NODE_CLIENT = `
const [url, body, marker] = process.argv.slice(1)
const headers = { 'content-type': 'application/json', 'x-self-check': marker, 'content-length': body.length }
require('node:https')
  .request(url, { method: 'POST', headers, rejectUnauthorized: false }, (response) => response.pipe(process.stdout))
  .end(body)
`

function nodeArguments(url: string, marker: string): string[] {
  return ['-e', NODE_CLIENT, '--', url, REQUEST, marker]
}
