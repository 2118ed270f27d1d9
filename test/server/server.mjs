// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The fake providers over TLS. In: connections on loopback. Out: answers, and the ledger's ground truth about every byte.
 * Knows no sensor.
 * @module
 */
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { anthropic } from './anthropic.mjs'
import { sendAnswer } from './answer.mjs'
import { parseBehaviour } from './behaviour.mjs'
import { hashOf } from './content.mjs'
import { Ledger, Meter } from './ledger.mjs'
import { openai } from './openai.mjs'
import { createProxy } from './proxy.mjs'

const PROVIDERS = [openai, anthropic]

export const CA_FILE = new URL('./tls/ca.pem', import.meta.url).pathname
const TLS_OPTIONS = {
  cert: readFileSync(new URL('./tls/server.pem', import.meta.url)),
  key: readFileSync(new URL('./tls/server-key.pem', import.meta.url)),
  ALPNProtocols: ['http/1.1'],
}

/**
 * @typedef {object} ServerOptions
 * @property {string} [bytesDir] keep every connection's raw plaintext here
 * @property {number} [distanceMs] how far away the `far` address is: TLS starts this long after the TCP connection
 */

/** @param {ServerOptions} [options] */
export async function createFakeServer({ bytesDir, distanceMs = 0 } = {}) {
  const ledger = new Ledger(bytesDir)
  const http = createHttpServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 })
  http.on('request', (req, res) => void serve(req, res, ledger))

  /** @param {'near' | 'far'} listener */
  const createListener = (listener) =>
    createTlsServer(TLS_OPTIONS, (socket) => void http.emit('connection', ledger.tap(socket, listener)))
  const near = createListener('near')
  const distant = createListener('far')
  // A real provider is a network away: the handshake takes tens of milliseconds, in which the sensor attaches.
  const far = createTcpServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {})
    setTimeout(() => void distant.emit('connection', socket), distanceMs)
  })
  const proxy = createProxy(TLS_OPTIONS, ledger)

  const listeners = [near, far, proxy]
  const [nearPort, farPort, proxyPort] = await Promise.all(listeners.map(listen))
  return {
    baseUrl: `https://localhost:${nearPort}`,
    farUrl: `https://localhost:${farPort}`,
    proxyUrl: `https://localhost:${proxyPort}`,
    caFile: CA_FILE,
    ledger,
    close() {
      for (const listener of listeners) listener.close()
      ledger.destroyConnections()
    },
  }
}

/** @param {import('node:net').Server} server @returns {Promise<number>} the port */
function listen(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // A client that gives up in the handshake is none of the server's business.
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1', () => {
      resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port)
    })
  })
}

/**
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 * @param {Ledger} ledger
 */
async function serve(req, res, ledger) {
  // Without it, two runs give the same bytes.
  res.sendDate = false
  const meters = { request: new Meter(), body: new Meter(), coded: new Meter() }
  const notes = { status: 0, requestId: undefined, responseId: undefined, coding: 'identity' }
  /** @type {import('./ledger.mjs').ExchangeEntry['outcome']} */
  let outcome = 'open'
  const connection = ledger.idOf(req.socket)
  ledger.addExchange(() => ({
    ...notes,
    connection,
    method: req.method ?? '',
    path: req.url ?? '',
    request: meters.request.digest(),
    response: meters.body.digest(),
    coded: { ...meters.coded.digest(), coding: notes.coding },
    outcome,
  }))
  res.on('close', () => {
    outcome = res.writableFinished ? 'completed' : outcome === 'dropped' ? 'dropped' : 'client-left'
  })
  const body = await readBody(req, meters.request)
  if (body === undefined) return
  const provider = PROVIDERS.find(({ path }) => req.method === 'POST' && req.url?.split('?')[0] === path)
  if (provider === undefined) return serveOther(req, res, notes, meters)
  const call = readCall(req, body)
  if (call.behaviour.truncated) outcome = 'dropped'
  await serveCall(res, call, provider, notes, meters)
}

/**
 * @param {import('node:http').IncomingMessage} req
 * @param {Meter} meter
 * @returns {Promise<Buffer | undefined>} undefined when the client left before its request was whole
 */
async function readBody(req, meter) {
  const chunks = []
  try {
    for await (const chunk of req) {
      meter.add(chunk)
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}

/**
 * @param {import('node:http').IncomingMessage} req
 * @param {Buffer} body
 * @returns {import('./answer.mjs').Call}
 */
function readCall(req, body) {
  const { authorization, 'x-api-key': apiKey, 'x-fake': override } = req.headers
  const key = String(apiKey ?? authorization?.replace(/^Bearer /, '') ?? '')
  const invalid = { ...parseBehaviour(''), status: 400 }
  try {
    const request = JSON.parse(body.toString())
    const behaviour = parseBehaviour(String(override ?? request.model))
    return { behaviour, request, hash: hashOf(body), key }
  } catch {
    return { behaviour: invalid, request: {}, hash: hashOf(body), key }
  }
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {import('./answer.mjs').Call} call
 * @param {typeof openai | typeof anthropic} provider
 * @param {any} notes what the ledger says of this exchange
 * @param {import('./answer.mjs').Meters} meters
 */
async function serveCall(res, call, provider, notes, meters) {
  const { status, coding } = call.behaviour
  const isStream = status === 200 && call.request.stream === true
  const headers = { ...provider.headers(call), 'content-type': 'application/json' }
  if (isStream)
    Object.assign(headers, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    })
  if (status === 429 || status === 529) Object.assign(headers, { 'retry-after': '20' })
  const parts = isStream
    ? provider.events(call)
    : [JSON.stringify(status === 200 ? provider.body(call) : provider.error(call, status))]
  Object.assign(notes, { status, coding, ...(status === 200 && { responseId: provider.id(call) }) })
  notes.requestId = provider.requestId(call)
  await sendAnswer(res, call, { status, headers, parts, isStream }, meters)
}

/**
 * What an agent's connection carries besides model calls: HEAD, 204, a list, an unknown path.
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 * @param {any} notes
 * @param {import('./answer.mjs').Meters} meters
 */
function serveOther(req, res, notes, meters) {
  const isKnown = req.url === '/v1/models'
  notes.status = req.method === 'DELETE' || req.url === '/v1/telemetry' ? 204 : isKnown ? 200 : 404
  if (notes.status === 204) return void res.writeHead(204).end()
  const body = JSON.stringify(
    isKnown
      ? { object: 'list', data: [{ id: 'fake', object: 'model', created: 1767225600, owned_by: 'fake' }] }
      : { error: { message: 'Not found', type: 'invalid_request_error' } },
  )
  if (req.method !== 'HEAD') {
    meters.body.add(Buffer.from(body))
    meters.coded.add(Buffer.from(body))
  }
  // RFC 9110 section 9.3.2: HEAD has the header fields of GET, the length too, and no content.
  res.writeHead(notes.status, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  })
  res.end(req.method === 'HEAD' ? undefined : body)
}
