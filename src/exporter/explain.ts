// SPDX-License-Identifier: Apache-2.0
/**
 * Says in one sentence, with the remedy, what a transport error means for an OTLP endpoint. In: an error and the
 * destination. Out: text for the operational log, without header values, queries or more of the peer's words than a line.
 * @module
 */
import type { OtlpSettings } from './types.js'

const MAX_PEER_TEXT = 200

/** OpenSSL's words for "these bytes are not TLS" and for "no ALPN protocol in common" (RFC 7301). */
const NOT_TLS = /wrong version number|packet length too long/i
const NO_COMMON_PROTOCOL = /no application protocol|(unknown|missing) ALPN protocol/i

/** `undefined` when the error shows no protocol mismatch. Its message may be a gRPC status's. */
export function explainMismatch(settings: OtlpSettings, error: TransportError): string | undefined {
  const where = displayEndpoint(settings)
  if (settings.protocol === 'grpc') return explainGrpc(where, settings, error)
  // Over TLS: Go's server refuses to agree on a protocol, Node's answers 403 and names ALPN.
  if (isHttp2Frame(error.rawPacket) || NO_COMMON_PROTOCOL.test(error.message))
    return `${where} speaks gRPC, not HTTP/protobuf: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use the receiver's HTTP port (usually 4318)`
  if (NOT_TLS.test(error.message))
    return `${where} does not speak TLS: use http:// instead of https:// in the endpoint`
  if (isTlsRecord(error.rawPacket))
    return `${where} speaks TLS: use https:// instead of http:// in the endpoint`
  // A gRPC server may also hang up on an HTTP/1 request without a byte; only the port can tell then.
  if (error.code === 'ECONNRESET' && new URL(settings.url).port === '4317')
    return `${where} closed the connection, and 4317 is the gRPC port: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use the receiver's HTTP port (usually 4318)`
  return undefined
}

export interface TransportError {
  code?: string | number | undefined
  message: string
  /** What node's HTTP parser choked on. */
  rawPacket?: Uint8Array | undefined
}

function explainGrpc(where: string, settings: OtlpSettings, error: TransportError): string | undefined {
  const remedy = `set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use the receiver's gRPC port (usually 4317)`
  // grpc-js: an HTTP/1 answer breaks the HTTP/2 preface; over TLS the peer does not agree on ALPN h2.
  const isNotGrpc = /Protocol error|Received HTTP status code (404|405|415)/i.test(error.message)
  if (isNotGrpc || NO_COMMON_PROTOCOL.test(error.message)) return `${where} does not speak gRPC: ${remedy}`
  if (!settings.insecure && NOT_TLS.test(error.message))
    return `${where} does not speak TLS: use http:// instead of https:// in the endpoint`
  return undefined
}

/** SETTINGS (type 4) on stream 0: the first frame of every HTTP/2 server (RFC 9113 3.4). */
function isHttp2Frame(packet: Uint8Array | undefined): boolean {
  return packet !== undefined && packet.length >= 9 && packet[0] === 0 && packet[3] === 4
}

/** An alert or handshake record of TLS (RFC 8446 5.1). */
function isTlsRecord(packet: Uint8Array | undefined): boolean {
  return packet !== undefined && (packet[0] === 0x15 || packet[0] === 0x16) && packet[1] === 3
}

/** Origin and path: a query may hold a token. */
export function displayUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return pathname === '/' ? origin : origin + pathname
}

/** The same for a destination, which may be a Unix socket. */
export function displayEndpoint({ url, socketPath }: Pick<OtlpSettings, 'url' | 'socketPath'>): string {
  return socketPath === undefined ? displayUrl(url) : `unix:${socketPath}`
}

/** One line of what the peer said. A peer that quotes our own header back must not put a key into a log. */
export function peerText(text: string, headers: Record<string, string>): string {
  let out = text
  for (const value of Object.values(headers)) {
    for (const secret of [value, ...value.split(/\s+/)]) {
      if (secret.length >= 4) out = out.replaceAll(secret, '[redacted]')
    }
  }
  // Control characters would let a peer write to the operator's terminal.
  out = out.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return out.length > MAX_PEER_TEXT ? `${out.slice(0, MAX_PEER_TEXT)}…` : out
}
