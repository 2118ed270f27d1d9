// SPDX-License-Identifier: Apache-2.0
/**
 * OTLP over gRPC for one signal: a generic unary call over raw bytes. In: one encoded request. Out: how it ended. Does not
 * retry, queue or count. `@grpc/grpc-js` is loaded on the first call: an HTTP-only sensor never pays for it.
 * @module
 */
import type * as Grpc from '@grpc/grpc-js'
import { displayEndpoint, explain, peerText, type Explanation } from './explain.js'
import { checkHeaders } from './headers.js'
import { MAX_RESPONSE_BYTES, type TransportContext } from './http.js'
import { decodeExportResponse, decodeRpcStatus } from './response.js'
import { isRetryableGrpc } from './retry.js'
import { TlsFiles, type TlsMaterial } from './tls-files.js'
import type { OtlpSettings, SendResult, Signal, Transport } from './types.js'

const METHODS: Record<Signal, string> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
}
const UNIMPLEMENTED = 12
const RESOURCE_EXHAUSTED = 8
const UNAUTHENTICATED = 16
const DEADLINE_EXCEEDED = 4
const UNAVAILABLE = 14

/**
 * A peer that vanished behind a NAT leaves a connection that never fails. HTTP opens a new one after each timeout; here it
 * takes this many in a row. (Keep-alive pings would do, but Go servers close connections that ping more than once in 5 minutes.)
 */
const MAX_TIMEOUTS_IN_A_ROW = 3

interface Connection {
  client: Grpc.Client
  metadata: Grpc.Metadata
}

/** Throws SensorError when a header cannot be sent or a TLS file is no good. */
export function createGrpcTransport(settings: OtlpSettings, context: TransportContext): Transport {
  const { userAgent, clock, log } = context
  checkHeaders(settings)
  const tlsFiles = settings.insecure ? undefined : new TlsFiles({ paths: settings.tls, clock, log })
  let tls = tlsFiles?.get()
  let connection: Promise<Connection> | undefined
  let isClosed = false
  let timeoutsInARow = 0
  const open = new Set<Grpc.ClientUnaryCall>()

  function onEnd(error: Grpc.ServiceError | null): void {
    timeoutsInARow = error?.code === DEADLINE_EXCEEDED ? timeoutsInARow + 1 : 0
    if (error?.code === UNAVAILABLE) tlsFiles?.suspect()
    if (timeoutsInARow < MAX_TIMEOUTS_IN_A_ROW) return
    timeoutsInARow = 0
    disconnect()
  }

  /** Calls under way end by themselves: `client.close()` lets them. */
  function disconnect(): void {
    void connection?.then(
      ({ client }) => client.close(),
      () => {},
    )
    connection = undefined
  }

  /** The newest connection: while one opens, a rotation may put another in its place. */
  async function connected(): Promise<Connection> {
    for (;;) {
      const opening = (connection ??= connect(settings, userAgent, tls))
      const opened = await opening.catch((error: unknown) => {
        // The next request tries again.
        if (opening === connection) connection = undefined
        throw error
      })
      if (opening === connection || isClosed) return opened
    }
  }

  async function send(signal: Signal, body: Uint8Array): Promise<SendResult> {
    const current = tlsFiles?.get()
    if (current !== tls) {
      tls = current
      disconnect()
    }
    const connection = await connected().catch((error: unknown) => String(error))
    if (typeof connection === 'string') return cannotConnect(settings, connection)
    const { client, metadata } = connection
    if (isClosed)
      return { outcome: 'retry', reason: 'connection', retryAfterMs: undefined, message: 'closed' }
    return new Promise((resolve) => {
      const call = client.makeUnaryRequest(
        METHODS[signal],
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from(body.buffer, body.byteOffset, body.length),
        metadata,
        // grpc-js sets its timer at once, so a clock that jumps later changes nothing but the header grpc-timeout.
        { deadline: Date.now() + settings.timeoutMs },
        (error, answer) => {
          open.delete(call)
          onEnd(error)
          resolve(error ? toFailure(settings, error, body.length) : toAccepted(settings, answer))
        },
      )
      open.add(call)
    })
  }

  return {
    send,
    async close() {
      isClosed = true
      for (const call of open) call.cancel()
      await connection?.then(
        ({ client }) => client.close(),
        // It never opened; `send` has said so.
        () => {},
      )
    },
  }
}

async function connect(
  settings: OtlpSettings,
  userAgent: string,
  tls: TlsMaterial | undefined,
): Promise<Connection> {
  const { default: grpc } = await import('@grpc/grpc-js')
  const { credentials, metadata } = createLogin(grpc, settings, tls)
  const client = new grpc.Client(targetOf(settings), credentials, {
    'grpc.primary_user_agent': userAgent,
    'grpc.max_receive_message_length': MAX_RESPONSE_BYTES,
    'grpc.max_send_message_length': -1,
    // We retry ourselves, with OTLP's rules, and count it.
    'grpc.enable_retries': 0,
    // Its own pause between connection attempts grows to two minutes; ours is to decide.
    'grpc.initial_reconnect_backoff_ms': 500,
    'grpc.max_reconnect_backoff_ms': 5_000,
    'grpc.service_config_disable_resolution': 1,
    ...(settings.compression === 'gzip' ? { 'grpc.default_compression_algorithm': 2 } : {}),
  })
  return { client, metadata }
}

/** Who we are to the peer, and whom we trust. Throws for headers that gRPC does not take. */
export function createLogin(
  grpc: Pick<typeof Grpc, 'credentials' | 'Metadata'>,
  settings: OtlpSettings,
  tls: TlsMaterial | undefined,
): { credentials: Grpc.ChannelCredentials; metadata: Grpc.Metadata } {
  const credentials = tls
    ? grpc.credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null)
    : grpc.credentials.createInsecure()
  const metadata = new grpc.Metadata()
  for (const [key, value] of Object.entries(settings.headers)) {
    metadata.set(key, key.toLowerCase().endsWith('-bin') ? Buffer.from(value, 'base64') : value)
  }
  return { credentials, metadata }
}

/** gRPC's name for the peer (gRPC "Name Resolution"). */
function targetOf({ url, insecure, socketPath }: OtlpSettings): string {
  if (socketPath !== undefined) return `unix:${socketPath}`
  const { hostname, port } = new URL(url)
  return `${hostname}:${port || (insecure ? 80 : 443)}`
}

/** The installation is at fault: the network is not asked yet. */
export function cannotConnect(settings: OtlpSettings, error: string): SendResult {
  return {
    outcome: 'rejected',
    reason: 'invalid_settings',
    message: `${displayEndpoint(settings)}: ${peerText(error, settings.headers)}`,
  }
}

function toAccepted(settings: OtlpSettings, answer: Buffer | undefined): SendResult {
  const { rejectedItems, message } = decodeExportResponse(answer ?? Buffer.alloc(0))
  return { outcome: 'accepted', rejectedItems, message: message && peerText(message, settings.headers) }
}

/** Of a call that ended with a status other than OK. */
export function toFailure(settings: OtlpSettings, error: Grpc.ServiceError, bodyBytes: number): SendResult {
  const details = error.metadata?.get('grpc-status-details-bin')[0]
  const retryAfterMs = details instanceof Buffer ? decodeRpcStatus(details).retryDelayMs : undefined
  const { reason, message } = explainOwn(settings, error) ?? describe(settings, error)
  if (error.code === UNIMPLEMENTED) return { outcome: 'unsupported', reason, message }
  if (isRequestTooLarge(error, bodyBytes)) return { outcome: 'too_large', reason, message }
  return isRetryableGrpc(error.code, retryAfterMs !== undefined)
    ? { outcome: 'retry', reason, retryAfterMs, message }
    : { outcome: 'rejected', reason, message }
}

/**
 * gRPC has no status of its own for it: RESOURCE_EXHAUSTED and a sentence (grpc-go, grpc-js: "larger than max", grpc-java:
 * "exceeds maximum size"). Some name the size before decompression. An answer that is too large for us reads the same, but is
 * larger than the request: the default limits of both sides are 4 MiB, and no request of ours is.
 */
function isRequestTooLarge({ code, details }: Grpc.ServiceError, bodyBytes: number): boolean {
  if (code !== RESOURCE_EXHAUSTED || !/larger than max|exceeds maximum size/i.test(details)) return false
  const sizes = /\((\d+) vs\.? (\d+)\)/.exec(details)
  if (sizes === null) return true
  const [size, max] = [Number(sizes[1]), Number(sizes[2])]
  return size > max && size <= bodyBytes
}

/** Errors that grpc-js made on this side. A peer may say the same words of a connection of its own: then they are quoted. */
function explainOwn(settings: OtlpSettings, error: Grpc.ServiceError): Explanation | undefined {
  const explanation = explain(settings, { message: error.details })
  if (explanation?.reason === 'protocol_mismatch') return explanation
  const isOwn =
    error.code === UNAVAILABLE && /^(No connection established|Name resolution)/.test(error.details)
  return isOwn ? explanation : undefined
}

function describe(settings: OtlpSettings, error: Grpc.ServiceError): { reason: string; message: string } {
  const where = displayEndpoint(settings)
  if (error.code === DEADLINE_EXCEEDED)
    return { reason: 'timeout', message: `${where} did not answer within ${settings.timeoutMs} ms` }
  const hint = error.code === UNAUTHENTICATED ? ' (check OTEL_EXPORTER_OTLP_HEADERS)' : ''
  const said = peerText(error.details, settings.headers)
  return {
    reason: `grpc_${error.code}`,
    message: `${where} answered gRPC status ${error.code}: ${said}${hint}`,
  }
}
