// SPDX-License-Identifier: Apache-2.0
/**
 * OTEL_EXPORTER_OTLP_* → one destination per signal (OpenTelemetry specification, "OpenTelemetry Protocol Exporter"). In: a
 * way to look settings up. Out: `OtlpSettings`. Opens nothing but the CA file.
 * @module
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { OtlpProtocol, OtlpSettings, Signal } from '../exporter/types.js'
import type { OptionKey } from './options.js'
import { invalid, parseChoice, parseFlag, parseInteger, parsePairs, type Said } from './values.js'

export interface Lookup {
  /** What a flag says. */
  flag(key: OptionKey): Said | undefined
  /** What the environment says; an empty variable says nothing. */
  env(name: string): Said | undefined
}

export const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics']

const DEFAULT_TIMEOUT_MS = 10_000
/** RFC 9110 5.6.2 token, and visible ASCII with spaces. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What grpc-js takes as a metadata key. */
const METADATA_NAME = /^[0-9a-z_.-]+$/i
const HEADER_VALUE = /^[\x20-\x7e]*$/

/** Whether anybody named a receiver. */
export function hasEndpoint(lookup: Lookup): boolean {
  const names = ['', ...SIGNALS.map((signal) => `${signal.toUpperCase()}_`)]
  return (
    lookup.flag('otlpEndpoint') !== undefined ||
    names.some((name) => lookup.env(`OTEL_EXPORTER_OTLP_${name}ENDPOINT`) !== undefined)
  )
}

export function readDestination(signal: Signal, lookup: Lookup, warnings: string[]): OtlpSettings {
  /** Flag, then the signal's own variable, then the general one. */
  const find = (suffix: string, key?: OptionKey): Said | undefined =>
    (key && lookup.flag(key)) ??
    lookup.env(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${suffix}`) ??
    lookup.env(`OTEL_EXPORTER_OTLP_${suffix}`)

  const endpoint = find('ENDPOINT', 'otlpEndpoint')
  const isSignalsOwn = endpoint?.name === `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`
  const saidProtocol = find('PROTOCOL', 'otlpProtocol')
  const insecure = find('INSECURE')
  const isInsecure = insecure !== undefined && parseFlag(insecure, warnings)
  const protocol = saidProtocol ? parseProtocol(saidProtocol) : guessProtocol(endpoint)
  const url = endpoint ? parseEndpoint(endpoint, protocol, isInsecure) : defaultUrl(protocol)
  if (protocol === 'http/protobuf' && (!isSignalsOwn || socketPathOf(endpoint!) !== undefined)) {
    if (endpoint && /\/v1\/(traces|logs|metrics)\/?$/.test(url.pathname))
      warnings.push(
        `${endpoint.name} ends in a signal's path, and /v1/traces, /v1/logs and /v1/metrics are appended: give the URL without it`,
      )
    appendPath(url, signal)
  }

  const timeout = find('TIMEOUT', 'otlpTimeout')
  const compression = find('COMPRESSION', 'otlpCompression')
  const headers = find('HEADERS')
  const certificate = find('CERTIFICATE', 'otlpCertificate')
  for (const suffix of ['CLIENT_KEY', 'CLIENT_CERTIFICATE']) {
    const said = find(suffix)
    if (said) warnings.push(`${said.name} is ignored: client certificates are not supported yet`)
  }
  return {
    signal,
    protocol,
    url: url.href,
    headers: headers
      ? parsePairs(headers, protocol === 'grpc' ? METADATA_NAME : HEADER_NAME, HEADER_VALUE)
      : {},
    timeoutMs: timeout ? parseInteger(timeout, 1, 600_000) : DEFAULT_TIMEOUT_MS,
    compression: compression ? parseChoice(compression, ['gzip', 'none']) : 'none',
    insecure: url.protocol === 'http:',
    tls: {
      caFile: certificate && checkCertificate(certificate),
      certFile: undefined,
      keyFile: undefined,
    },
    socketPath: endpoint && socketPathOf(endpoint),
  }
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

/** The exporter reads it again when it is rotated; here it must only be right. */
function checkCertificate(said: Said): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(said.text)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw invalid(said, `the file cannot be read (${code})`, 'Name a PEM file that this user may read.')
  }
  try {
    new X509Certificate(bytes)
    return said.text
  } catch {
    throw invalid(said, 'the file holds no PEM certificate', 'It must contain a BEGIN CERTIFICATE block.')
  }
}
