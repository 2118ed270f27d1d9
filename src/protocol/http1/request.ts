// SPDX-License-Identifier: Apache-2.0
/**
 * A parsed request head -> the RequestHead that may travel on. In: fields as they were on the wire. Out: no credential, no query.
 * @module
 */
import { cleanFields, cleanTarget } from '../credentials.js'
import type { Fingerprint, RequestHead } from '../types.js'
import { fieldValue, type RawHead, type RequestLine } from './head.js'

export function readRequestHead(
  { fields }: RawHead,
  line: RequestLine,
  fingerprint: Fingerprint,
): RequestHead {
  const { path, queryNames, authority, credentials } = cleanTarget(line.target, fingerprint)
  const cleaned = cleanFields(fields, fingerprint)
  // RFC 9112 3.2.2: the authority of an absolute target stands above Host.
  const { host, port } = splitHost(authority ?? fieldValue(fields, 'host'))
  return {
    method: line.method,
    path,
    queryNames,
    protocol: line.protocol,
    host,
    port,
    headers: cleaned.headers,
    credentials: [...cleaned.credentials, ...credentials],
  }
}

function splitHost(value: string | undefined): { host: string | undefined; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(value ?? '')
  // An IPv6 address is in brackets (RFC 3986 3.2.2) only to tell it from the port.
  const host = (match?.[1] ?? match?.[2])?.toLowerCase()
  return { host: host === '' ? undefined : host, port: Number(match?.[3] ?? 443) }
}
