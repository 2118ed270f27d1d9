// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** The global fetch (undici): `--calls 50 --concurrency 50` is fifty calls on one event loop. @module */
import { digest, endpoint, readOptions, requestBody, requestHeaders, runCalls } from './support.mjs'

const options = readOptions()

await runCalls('node-fetch', options, async (number) => {
  const controller = new AbortController()
  const body = JSON.stringify(requestBody(options, number))
  const { 'accept-encoding': _, ...headers } = requestHeaders(options)
  try {
    const res = await fetch(endpoint(options), { method: 'POST', headers, body, signal: controller.signal })
    const chunks = []
    for await (const chunk of res.body ?? []) {
      chunks.push(chunk)
      if (chunks.length === options.abortAfter) controller.abort()
    }
    return { status: res.status, body: digest(Buffer.concat(chunks)) }
  } catch (error) {
    return {
      error: error instanceof Error ? error.name : String(error),
      isAborted: controller.signal.aborted,
    }
  }
})
