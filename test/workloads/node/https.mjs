// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** node:https, with keep-alive over all calls. Prints the decoded body's digest. @module */
import { Agent, request } from 'node:https'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { digest, endpoint, readOptions, requestBody, requestHeaders, runCalls } from './support.mjs'

const options = readOptions()
const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency })
const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress }

await runCalls('node-https', options, async (number) => {
  const body = JSON.stringify(requestBody(options, number))
  const req = request(endpoint(options), {
    method: 'POST',
    agent,
    headers: { ...requestHeaders(options), 'content-length': Buffer.byteLength(body) },
  })
  // One write, so 100 KB of prompt are one SSL_write of the library's user.
  req.end(body)
  const res = await new Promise((resolve, reject) => req.on('response', resolve).on('error', reject))
  const coding = res.headers['content-encoding']
  const decode = DECODERS[/** @type {keyof typeof DECODERS} */ (coding)]
  const chunks = []
  let isAborted = false
  try {
    for await (const chunk of decode === undefined ? res : res.pipe(decode())) {
      chunks.push(chunk)
      isAborted = chunks.length === options.abortAfter
      if (isAborted) break
    }
  } catch (error) {
    return { status: res.statusCode, error: String(error) }
  }
  return { status: res.statusCode, body: digest(Buffer.concat(chunks)), trailers: res.trailers, isAborted }
})
agent.destroy()
