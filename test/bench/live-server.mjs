// SPDX-License-Identifier: Apache-2.0
/** Child of live.mjs: a TLS server with one fixed answer, in a runtime that the bench puts no probes on. @module */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const folder = new URL('../server/tls/', import.meta.url)
const options = {
  key: readFileSync(new URL('server-key.pem', folder)),
  cert: readFileSync(new URL('server.pem', folder)),
}
const answer = JSON.stringify({
  id: 'msg_01',
  type: 'message',
  role: 'assistant',
  model: 'fake',
  content: [{ type: 'text', text: 'hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1, output_tokens: 1 },
})
const server = createServer(options, (request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(answer),
    })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit())
