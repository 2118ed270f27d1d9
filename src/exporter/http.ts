// SPDX-License-Identifier: Apache-2.0
/**
 * OTLP over HTTP/protobuf for one signal. In: one encoded request. Out: how it ended. Does not retry, queue or count.
 * @module
 */
import {
  request as httpRequest,
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { displayEndpoint, explain, explainPath, peerText, type TransportError } from './explain.js'
import { checkHeaders } from './headers.js'
import { decodeExportResponse, decodeRpcStatus } from './response.js'
import { isRetryableHttp, isUnsupportedHttp, parseRetryAfter } from './retry.js'
import { TlsFiles, type TlsMaterial } from './tls-files.js'
import type { Clock, ExporterLog, OtlpSettings, SendResult, Transport } from './types.js'

const compress = promisify(gzip)

/** OTLP specification: a client limits what it reads of an answer. */
export const MAX_RESPONSE_BYTES = 4 * 1024 * 1024

export interface TransportContext {
  userAgent: string
  clock: Clock
  log: ExporterLog
}

/** Throws SensorError when a header cannot be sent or a TLS file is no good. */
export function createHttpTransport(settings: OtlpSettings, context: TransportContext): Transport {
  const { userAgent, clock, log } = context
  checkHeaders(settings)
  const isTls = new URL(settings.url).protocol === 'https:'
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true })
  const tlsFiles = isTls ? new TlsFiles({ paths: settings.tls, clock, log }) : undefined
  let tls = tlsFiles?.get()
  const open = new Set<ClientRequest>()
  let isClosed = false

  async function send(_signal: unknown, body: Uint8Array): Promise<SendResult> {
    const payload = settings.compression === 'gzip' ? await compress(body) : body
    if (isClosed)
      return { outcome: 'retry', reason: 'connection', retryAfterMs: undefined, message: 'closed' }
    return post(payload)
  }

  /** The agent keeps connections apart by these; those with files that were replaced are closed as soon as they are idle. */
  function currentTls(): TlsMaterial {
    const current = tlsFiles?.get() ?? {}
    if (tls !== undefined && current !== tls) {
      tls = current
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets!) socket.destroy()
    }
    return current
  }

  function post(payload: Uint8Array): Promise<SendResult> {
    return new Promise((resolve) => {
      const request = (isTls ? httpsRequest : httpRequest)(settings.url, {
        method: 'POST',
        agent,
        ...currentTls(),
        ...(settings.socketPath === undefined ? {} : { socketPath: settings.socketPath }),
        headers: makeHeaders(settings, userAgent, payload.length),
      })
      open.add(request)
      const timer = clock.setTimer(() => request.destroy(new TimeoutError(settings)), settings.timeoutMs)
      const settle = (result: SendResult | Promise<SendResult>): void => {
        clock.clearTimer(timer)
        open.delete(request)
        resolve(result)
      }
      request.on('error', (error: TransportError) => {
        if (!open.has(request)) return
        // A refused or expired certificate is told in as many words as there are; a good look at the files costs little.
        tlsFiles?.suspect()
        // The server closed the idle connection just as we used it (node:http, request.reusedSocket): no fault, no pause.
        const isRace = request.reusedSocket && error.code === 'ECONNRESET' && !isClosed
        settle(isRace ? post(payload) : toFailure(settings, error))
      })
      request.on('response', (response) => readAnswer(settings, clock, response, settle))
      request.end(payload)
    })
  }

  return {
    send,
    async close() {
      isClosed = true
      for (const request of open) request.destroy(new Error('exporter is shutting down'))
      agent.destroy()
    },
  }
}

function makeHeaders(
  { headers, compression }: OtlpSettings,
  userAgent: string,
  length: number,
): Record<string, string | number> {
  return {
    ...lowerCased(headers),
    'user-agent': userAgent,
    'content-type': 'application/x-protobuf',
    'content-length': length,
    ...(compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  }
}

/** So that ours replace theirs, however they are written. */
function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

class TimeoutError extends Error {
  readonly code = 'TIMEOUT'
  constructor(settings: OtlpSettings) {
    super(`${displayEndpoint(settings)} did not answer within ${settings.timeoutMs} ms`)
  }
}

function readAnswer(
  settings: OtlpSettings,
  clock: Clock,
  response: IncomingMessage,
  settle: (result: SendResult) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= MAX_RESPONSE_BYTES) return void chunks.push(chunk)
    const message = `${displayEndpoint(settings)} answered with more than ${MAX_RESPONSE_BYTES} bytes; not read`
    settle(
      isSuccess(response.statusCode)
        ? { outcome: 'accepted', rejectedItems: 0, message }
        : { outcome: 'rejected', reason: 'response_too_large', message },
    )
    response.destroy()
  })
  response.on('error', (error) => settle(toFailure(settings, error)))
  response.on('end', () => settle(toResult(settings, clock, response, Buffer.concat(chunks))))
}

/** Whatever the body says. */
const isSuccess = (status = 0): boolean => status >= 200 && status < 300

/** No answer at all: always worth another try, whatever the cause; the message names the remedy where one is known. */
function toFailure(settings: OtlpSettings, error: TransportError): SendResult {
  if (error.code === 'TIMEOUT')
    return { outcome: 'retry', reason: 'timeout', retryAfterMs: undefined, message: error.message }
  const { reason, message } = explain(settings, error) ?? {
    reason: 'connection',
    message: `${displayEndpoint(settings)}: ${peerText(error.message, settings.headers)}`,
  }
  return { outcome: 'retry', reason, retryAfterMs: undefined, message }
}

function toResult(settings: OtlpSettings, clock: Clock, response: IncomingMessage, body: Buffer): SendResult {
  const status = response.statusCode ?? 0
  const contentType = response.headers['content-type']
  if (isSuccess(status)) {
    // A web server or a captive portal takes anything: the specification calls it a success, but somebody should look.
    if (/^text\/html\b/i.test(contentType ?? ''))
      return { outcome: 'accepted', rejectedItems: 0, message: `${displayEndpoint(settings)} ${WEB_PAGE}` }
    const { rejectedItems, message } = decodeExportResponse(body, contentType)
    return { outcome: 'accepted', rejectedItems, message: message && peerText(message, settings.headers) }
  }
  const isAboutProtocol = status === 400 || status === 403
  const mismatch = isAboutProtocol
    ? explain(settings, { message: body.toString('latin1', 0, 500) })
    : undefined
  if (mismatch?.reason === 'protocol_mismatch')
    return { outcome: 'retry', retryAfterMs: undefined, ...mismatch }
  const reason = `http_${status}`
  const isReadable = /^application\/(json|x-protobuf)\b/i.test(contentType ?? '')
  const said = isReadable ? decodeRpcStatus(body, contentType).message : undefined
  const message =
    `${displayEndpoint(settings)} answered ${status}` +
    (said ? `: ${peerText(said, settings.headers)}` : '') +
    hint(settings, status)
  if (isRetryableHttp(status)) {
    const retryAfterMs = parseRetryAfter(response.headers['retry-after'], clock.unixMs())
    return { outcome: 'retry', reason, retryAfterMs, message }
  }
  if (status === 413) return { outcome: 'too_large', reason, message }
  return { outcome: isUnsupportedHttp(status) ? 'unsupported' : 'rejected', reason, message }
}

const WEB_PAGE = 'took it and answered with a web page: is it an OTLP receiver?'

function hint(settings: OtlpSettings, status: number): string {
  if (status === 404) return ` (${explainPath(settings)})`
  if (status === 401 || status === 403) return ' (check OTEL_EXPORTER_OTLP_HEADERS)'
  if (status >= 300 && status < 400) return ' (redirects are not followed: set the endpoint to the final URL)'
  return ''
}
