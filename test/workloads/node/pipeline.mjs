// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * HTTP/1.1 by hand over node:tls: all requests in one write (RFC 9112 section 9.3.2), a chunked request body, an Expect:
 * 100-continue, HEAD and DELETE among them, then the answers in order. @module
 */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { digest, endpoint, readOptions, requestBody, requestHeaders, runCalls } from './support.mjs'

const options = readOptions()
const url = endpoint(options)

/** @param {string} line @param {Record<string, string>} headers @param {string} body */
function message(line, headers, body) {
  const fields = Object.entries({ host: url.host, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${line} HTTP/1.1\r\n${fields.join('')}\r\n${body}`
}

/** @param {number} number */
function post(number) {
  const body = JSON.stringify(requestBody(options, number))
  const isChunked = number % 2 === 1
  const head = { ...requestHeaders(options), ...(number === 2 && { expect: '100-continue' }) }
  const half = Math.floor(body.length / 2)
  const chunks = [body.slice(0, half), body.slice(half)].map(
    (part) => `${Buffer.byteLength(part).toString(16)};n=1\r\n${part}\r\n`,
  )
  return isChunked
    ? message(
        `POST ${url.pathname}`,
        { ...head, 'transfer-encoding': 'chunked' },
        `${chunks.join('')}0\r\n\r\n`,
      )
    : message(`POST ${url.pathname}`, { ...head, 'content-length': String(Buffer.byteLength(body)) }, body)
}

const requests = [
  ...Array.from({ length: options.calls }, (_, number) => post(number)),
  message('HEAD /v1/models', {}, ''),
  message('DELETE /v1/files/file-1', {}, ''),
  message('GET /v1/models', { connection: 'close' }, ''),
]

await runCalls('node-pipeline', { ...options, calls: 1 }, async () => {
  const socket = connect({ host: url.hostname, port: Number(url.port), servername: url.hostname })
  await once(socket, 'secureConnect')
  socket.write(requests.join(''))
  const answer = Buffer.concat(await socket.toArray())
  return {
    answers: answer.toString('latin1').match(/HTTP\/1\.1 [2-5]\d\d/g)?.length,
    received: digest(answer),
  }
})
