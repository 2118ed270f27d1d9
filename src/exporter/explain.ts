// SPDX-License-Identifier: Apache-2.0
/**
 * Says in one sentence, with the remedy, what a transport error means for an OTLP endpoint. In: an error and the
 * destination. Out: text for the operational log, without header values, queries or more of the peer's words than a line.
 * @module
 */
import type { OtlpSettings } from './types.js'

const MAX_PEER_TEXT = 200

export interface TransportError {
  code?: string | number | undefined
  /** An error's message, or the details of a gRPC status that grpc-js itself made. */
  message: string
  /** What node's HTTP parser choked on. */
  rawPacket?: Uint8Array | undefined
}

export interface Explanation {
  /** A reason of `exporter.requests.retried`. */
  reason: 'protocol_mismatch' | 'certificate' | 'dns' | 'unreachable' | 'invalid_answer'
  message: string
}

/** `undefined` when the error says it best itself. */
export function explain(settings: OtlpSettings, error: TransportError): Explanation | undefined {
  const mismatch = explainMismatch(settings, error)
  if (mismatch !== undefined) return { reason: 'protocol_mismatch', message: mismatch }
  const where = displayEndpoint(settings)
  for (const { pattern, reason, say } of CAUSES) {
    const match = pattern.exec(`${error.code} ${error.message}`)
    if (match) return { reason, message: say(where, settings, match[1]) }
  }
  return undefined
}

interface Cause {
  pattern: RegExp
  reason: Explanation['reason']
  say(where: string, settings: OtlpSettings, detail: string | undefined): string
}

/** Words of Node, OpenSSL and grpc-js; each is met by a test with a real server. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /certificate has expired/i,
    reason: 'certificate',
    say: (where) =>
      `the certificate of ${where} has expired: renew it there, or set this machine's clock if it is wrong`,
  },
  {
    pattern: /certificate is not yet valid/i,
    reason: 'certificate',
    say: (where) => `the certificate of ${where} is not valid yet: set this machine's clock if it is wrong`,
  },
  {
    pattern: /self[- ]signed certificate|unable to (?:verify the first|get (?:local )?issuer) certificate/i,
    reason: 'certificate',
    say: (where, { tls }) =>
      tls.caFile === undefined
        ? `the certificate of ${where} is signed by nobody this machine trusts: name its authority's PEM file in OTEL_EXPORTER_OTLP_CERTIFICATE`
        : `the certificate of ${where} is not signed by ${tls.caFile}: name its authority's PEM file in OTEL_EXPORTER_OTLP_CERTIFICATE`,
  },
  {
    pattern: /does not match certificate's altnames: (.*?)(?:\. Resolution note|$)/is,
    reason: 'certificate',
    say: (where, { headers }, detail) =>
      `the certificate of ${where} is for another name (${peerText(detail ?? '', headers)}): use that name in the endpoint`,
  },
  {
    // RFC 8446 6.2: certificate_required, bad_certificate, unknown_ca, certificate_unknown, certificate_expired, handshake_failure.
    pattern:
      /alert (?:certificate required|bad certificate|unknown ca|certificate unknown|certificate expired|handshake failure)/i,
    reason: 'certificate',
    say: (where, { tls }) =>
      tls.certFile === undefined
        ? `${where} asks for a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY`
        : `${where} refuses the client certificate ${tls.certFile}: use one that it trusts and that has not expired`,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    reason: 'dns',
    say: (_where, { url }) =>
      `the name ${new URL(url).hostname} has no address: check the spelling of the endpoint and this machine's DNS`,
  },
  {
    pattern: /(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOENT|EACCES)/,
    reason: 'unreachable',
    say: (where, _settings, code) => `${where} cannot be reached (${code}): ${UNREACHABLE[code!]}`,
  },
  {
    pattern: /HPE_HEADER_OVERFLOW/,
    reason: 'invalid_answer',
    say: (where) => `${where} answered with headers of more than 16 KiB; not read`,
  },
  {
    pattern: /HPE_/,
    reason: 'invalid_answer',
    say: (where) =>
      `${where} answered with bytes that are not HTTP: check that the endpoint's port is the OTLP receiver's HTTP port (usually 4318)`,
  },
  {
    // grpc-js: the peer ended the connection before its SETTINGS frame (RFC 9113 3.4) came.
    pattern: /Last error: Failed to connect/,
    reason: 'protocol_mismatch',
    say: (where, { insecure }) =>
      insecure
        ? `${where} closed the connection instead of speaking gRPC: use https:// in the endpoint if it wants TLS, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if the port is for HTTP`
        : `${where} closed the connection instead of speaking gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if the port is for HTTP`,
  },
]

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'start the receiver, or correct the port of the endpoint',
  EHOSTUNREACH: 'check the address of the endpoint and the route to it',
  ENETUNREACH: 'check the address of the endpoint and the route to it',
  ETIMEDOUT: 'check the address of the endpoint and the firewalls on the way',
  ENOENT: "start the receiver, or correct the socket's path",
  EACCES: "give the sensor's user write permission on the socket",
}

/** OpenSSL's words for "these bytes are not TLS" and for "no ALPN protocol in common" (RFC 7301). */
const NOT_TLS = /wrong version number|packet length too long/i
const NO_COMMON_PROTOCOL = /no application protocol|(unknown|missing) ALPN protocol/i
/** What Go's, nginx' and Apache's servers say with status 400 when plaintext comes to their TLS port. */
const WANTS_TLS = /HTTP request (to an HTTPS server|was sent to HTTPS port)|speaking plain HTTP to an SSL/i

function explainMismatch(settings: OtlpSettings, error: TransportError): string | undefined {
  const where = displayEndpoint(settings)
  if (settings.protocol === 'grpc') return explainGrpc(where, settings, error)
  // Over TLS: Go's server refuses to agree on a protocol, Node's answers 403 and names ALPN.
  if (isHttp2Frame(error.rawPacket) || NO_COMMON_PROTOCOL.test(error.message))
    return `${where} speaks gRPC, not HTTP/protobuf: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use the receiver's HTTP port (usually 4318)`
  if (NOT_TLS.test(error.message))
    return `${where} does not speak TLS: use http:// instead of https:// in the endpoint`
  if (isTlsRecord(error.rawPacket) || WANTS_TLS.test(error.message))
    return `${where} speaks TLS: use https:// instead of http:// in the endpoint`
  // A gRPC server may also hang up on an HTTP/1 request without a byte; only the port can tell then.
  if (error.code === 'ECONNRESET' && new URL(settings.url).port === '4317')
    return `${where} closed the connection, and 4317 is the gRPC port: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use the receiver's HTTP port (usually 4318)`
  return undefined
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

/** What may be wrong when an endpoint has no such path: which URL is meant depends on the variable it came from. */
export function explainPath({ url, signal }: OtlpSettings): string {
  const { pathname } = new URL(url)
  const own = `/v1/${signal}`
  if (pathname === own) return `is this the port of an OTLP receiver that takes ${signal}?`
  if (/\/v1\/(traces|logs|metrics)\/+v1\/\w+\/?$/.test(pathname))
    return `the path is there twice: ${own} is appended to OTEL_EXPORTER_OTLP_ENDPOINT`
  if (!pathname.endsWith(own))
    return `did you mean ${displayUrl(url).replace(/\/$/, '')}${own}? OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT is used as it is`
  return `is ${pathname.slice(0, -own.length)} the right path? ${own} was appended to it`
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
