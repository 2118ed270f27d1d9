// SPDX-License-Identifier: Apache-2.0
/**
 * What was said about OTLP → one destination per signal (OpenTelemetry specification, "OpenTelemetry Protocol Exporter"). In: a
 * way to look settings up. Out: `OtlpSettings`. Opens nothing but certificates, to say at start what is wrong with them.
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { OtlpProtocol, OtlpSettings, Signal, TlsPaths } from '../exporter/types.js'
import type { Lookup } from './lookup.js'
import { signalPath, signalVariable } from './options.js'
import { invalid, parseChoice, parsePairs, type Said } from './values.js'

/** RFC 9110 5.6.2 token, and visible ASCII with spaces. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What grpc-js takes as a metadata key. */
const METADATA_NAME = /^[0-9a-z_.-]+$/i
const HEADER_VALUE = /^[\x20-\x7e]*$/

export function readDestination(signal: Signal, lookup: Lookup): OtlpSettings {
  const endpoint = lookup.find('otlpEndpoint', signal)
  const saidProtocol = lookup.find('otlpProtocol', signal)
  const protocol = saidProtocol ? parseProtocol(saidProtocol) : guessProtocol(endpoint)
  const isInsecure = lookup.flag('otlpInsecure', signal)
  const url = endpoint ? parseEndpoint(endpoint, protocol, isInsecure) : defaultUrl(protocol)
  const socketPath = endpoint && socketPathOf(endpoint)
  if (protocol === 'http/protobuf' && (socketPath !== undefined || !isSignalsOwn(endpoint, signal))) {
    if (endpoint && /\/v1\/(traces|logs|metrics)\/?$/.test(url.pathname))
      lookup.warnings.push(
        `${endpoint.name} ends in a signal's path, and /v1/traces, /v1/logs and /v1/metrics are appended: give the URL without it`,
      )
    appendPath(url, signal)
  }
  const headers = lookup.find('otlpHeaders', signal)
  return {
    signal,
    protocol,
    url: url.href,
    headers: headers
      ? parsePairs(headers, protocol === 'grpc' ? METADATA_NAME : HEADER_NAME, HEADER_VALUE)
      : {},
    timeoutMs: lookup.duration('otlpTimeout', signal),
    compression: lookup.choice('otlpCompression', signal),
    insecure: url.protocol === 'http:',
    tls: readTls(signal, lookup),
    socketPath,
  }
}

/** One signal's own URL is used as it stands. */
function isSignalsOwn(endpoint: Said | undefined, signal: Signal): boolean {
  return (
    endpoint?.name === signalVariable('OTEL_EXPORTER_OTLP_ENDPOINT', signal) ||
    endpoint?.name.endsWith(` ${signalPath('exporters.otlp.endpoint', signal)}`) === true
  )
}

function parseProtocol(said: Said): OtlpProtocol {
  if (said.text.toLowerCase() === 'http/json')
    throw invalid(said, 'http/json is not sent', 'Use http/protobuf: every OTLP receiver over HTTP takes it.')
  return parseChoice(said, ['grpc', 'http/protobuf'])
}

/** 4317 is gRPC's port everywhere; without it, http/protobuf is the specification's default. */
function guessProtocol(endpoint: Said | undefined): OtlpProtocol {
  return endpoint !== undefined && /^([a-z]+:\/\/)?[^/?#]*:4317(\/|$)/i.test(endpoint.text)
    ? 'grpc'
    : 'http/protobuf'
}

function defaultUrl(protocol: OtlpProtocol): URL {
  return new URL(protocol === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318')
}

/** gRPC endpoints may come without a scheme; then INSECURE decides (specification, "Endpoint URLs for OTLP/gRPC"). */
function parseEndpoint(said: Said, protocol: OtlpProtocol, isInsecure: boolean): URL {
  if (socketPathOf(said) !== undefined) return new URL('http://localhost')
  const isBare = !said.text.includes('://')
  const text = isBare && protocol === 'grpc' ? `${isInsecure ? 'http' : 'https'}://${said.text}` : said.text
  const example = protocol === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318'
  if (!URL.canParse(text) || !/^https?:\/\/[^/]/i.test(text))
    throw invalid(said, 'is not an http:// or https:// URL', `For example: ${example}.`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw invalid(said, 'holds a user name or password', 'Give credentials in OTEL_EXPORTER_OTLP_HEADERS.')
  return url
}

/** `unix:path` and `unix:///absolute/path` (gRPC, "Name Resolution"). Over HTTP the socket stands for host and port. */
function socketPathOf(said: Said): string | undefined {
  const path = /^unix:(?:\/\/(?=\/))?(.+)$/.exec(said.text)?.[1]
  if (path?.startsWith('//'))
    throw invalid(said, 'is not a Unix socket', 'For example: unix:///run/otel/otlp.sock.')
  return path
}

function appendPath(url: URL, signal: Signal): void {
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`
}

/** The exporter reads the files again when they are rotated; here they must only be right. */
function readTls(signal: Signal, lookup: Lookup): TlsPaths {
  const ca = lookup.find('otlpCertificate', signal)
  const certificate = lookup.find('otlpClientCertificate', signal)
  const key = lookup.find('otlpClientKey', signal)
  if (ca) checkCertificate(ca)
  const alone = certificate && key ? undefined : (certificate ?? key)
  if (alone)
    throw invalid(
      alone,
      `needs the ${alone === certificate ? 'key' : 'certificate'} beside it`,
      'Give both OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY (or their flags or keys).',
    )
  if (certificate && key && !checkCertificate(certificate).checkPrivateKey(readKey(key)))
    throw invalid(key, `is not the key of ${certificate.text}`, 'Name the files of one pair.')
  return { caFile: ca?.text, certFile: certificate?.text, keyFile: key?.text }
}

function checkCertificate(said: Said): X509Certificate {
  const bytes = readPem(said)
  try {
    return new X509Certificate(bytes)
  } catch {
    throw invalid(said, 'the file holds no PEM certificate', 'It must contain a BEGIN CERTIFICATE block.')
  }
}

function readKey(said: Said): ReturnType<typeof createPrivateKey> {
  const bytes = readPem(said)
  try {
    return createPrivateKey(bytes)
  } catch {
    throw invalid(said, 'the file holds no PEM private key', 'It must be a key without a passphrase.')
  }
}

function readPem(said: Said): Buffer {
  try {
    return readFileSync(said.text)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw invalid(said, `the file cannot be read (${code})`, 'Name a PEM file that this user may read.')
  }
}
