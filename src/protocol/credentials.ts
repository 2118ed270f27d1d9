// SPDX-License-Identifier: Apache-2.0
/**
 * Takes credentials out of a request's head. In: raw fields and target. Out: what may travel on, and for each credential its
 * source, class and keyed fingerprint. Nothing after this room has seen the secret itself.
 * @module
 */
import type { RawHead } from './http1/head.js'
import type { Credential, Fingerprint, HeaderList } from './types.js'

/** Fields that carry a credential by their definition. */
const CREDENTIAL_FIELDS = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'apikey',
  'x-goog-api-key',
  'x-auth-token',
  'x-amz-security-token',
  'x-access-token',
  'ocp-apim-subscription-key',
  'cookie',
  'set-cookie',
  'set-cookie2',
])

/** Unknown fields whose name says that the value is secret; limits and counts of tokens are not. */
const SECRET_NAME =
  /auth|secret|passw|credential|cookie|api-?key|access-?key|session-?token|jwt|signature|token$/
const HARMLESS_NAME =
  /ratelimit|^anthropic-beta$|^sec-websocket|^www-authenticate$|^proxy-authenticate$|-authenticated$/
/** A secret in a field that nobody expects one in. */
const SECRET_VALUE =
  /^(bearer|basic|token) |(^|[\s"'=])(sk-|sess-|gh[pousr]_|xox[abprs]-|AIza|ya29\.|eyJ[\w-]+\.eyJ)/i

/**
 * Fields whose values are read further on, or are harmless by definition. In any other field a value that looks like a token is
 * dropped without asking what it is for: nobody can list all the headers that gateways invent.
 */
const KNOWN_FIELD =
  /^(content-|accept|user-agent$|host$|date$|server$|via$|vary$|etag$|age$|expires$|cache-control$|retry-after$|traceparent$|tracestate$|(x-)?(client-)?request-id$|x-client-request-id$|x-stainless-|anthropic-(version|beta|ratelimit-)|openai-|x-ratelimit-|cf-ray$|transfer-encoding$|connection$|last-modified$)/
const TOKEN_CHARACTERS = /[\w+/=.~-]{20}/

/** Kinds of key by their public prefix, first match wins. */
const CLASSES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^sk-ant-api/, 'anthropic_api'],
  [/^sk-ant-oat/, 'anthropic_oauth'],
  [/^sk-ant-admin/, 'anthropic_admin'],
  [/^sk-or-/, 'openrouter'],
  [/^sk-proj-/, 'openai_project'],
  [/^sk-svcacct-/, 'openai_service_account'],
  [/^sk-admin-/, 'openai_admin'],
  [/^sk-/, 'secret_key'],
  [/^gsk_/, 'groq'],
  [/^xai-/, 'x_ai'],
  [/^AIza/, 'google_api'],
  [/^ya29\./, 'google_oauth'],
  [/^gh[pousr]_/, 'github'],
  [/^AWS4-HMAC-SHA256/, 'aws_signature'],
  [/^eyJ[\w-]+\.eyJ/, 'jwt'],
]

export interface CleanedFields {
  headers: HeaderList
  credentials: Credential[]
}

export function cleanFields(fields: RawHead['fields'], fingerprint: Fingerprint): CleanedFields {
  const headers: [string, string][] = []
  const credentials: Credential[] = []
  for (const [name, value] of fields) {
    if (isSecret(name, value)) credentials.push(...credentialsOf(name, value, fingerprint))
    else headers.push([name, KNOWN_FIELD.test(name) ? value : withoutTokens(name, value)])
  }
  return { headers, credentials }
}

export interface CleanedTarget {
  path: string
  queryNames: string[]
  /** Of an absolute target or CONNECT's, without user information. */
  authority: string | undefined
  credentials: Credential[]
}

/** RFC 9112 3.2: origin, absolute or authority form. Query values are dropped, whatever they are; `key=` is fingerprinted. */
export function cleanTarget(target: string, fingerprint: Fingerprint): CleanedTarget {
  const withoutFragment = target.split('#', 1)[0]!
  const question = withoutFragment.indexOf('?')
  const before = question < 0 ? withoutFragment : withoutFragment.slice(0, question)
  const query = question < 0 ? '' : withoutFragment.slice(question + 1)
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/]*)(.*)$/i.exec(before)
  const isAuthority = absolute === null && !before.startsWith('/') && before !== '*'
  const authority = (absolute?.[1] ?? (isAuthority ? before : undefined))?.replace(/^.*@/, '')
  const path = absolute === null ? (isAuthority ? '/' : before) : absolute[2]! || '/'
  const queryNames: string[] = []
  const credentials: Credential[] = []
  for (const parameter of query === '' ? [] : query.split('&')) {
    const equals = parameter.indexOf('=')
    const name = equals < 0 ? parameter : parameter.slice(0, equals)
    const value = equals < 0 ? '' : parameter.slice(equals + 1)
    const isValue = isSecretWord(name) || (equals < 0 && isTokenLike(name))
    queryNames.push(isValue ? '' : name)
    if (value !== '' && (SECRET_NAME.test(name.toLowerCase()) || name === 'key'))
      credentials.push(credential('query', value, fingerprint))
  }
  // Some put a key into the path, or give one as a parameter without a value.
  // What follows a semicolon is a parameter of the segment (RFC 3986 3.3), `;jsessionid=` before all others.
  const segments = path.split('/').map((segment) => segment.split(';', 1)[0]!)
  const shown = segments.map((segment) => (isSecretWord(segment) ? '*' : segment))
  return { path: shown.join('/'), queryNames, authority, credentials }
}

function isSecretWord(word: string): boolean {
  return word.length > 256 || SECRET_VALUE.test(word) || /^bot\d+:/.test(word)
}

function isSecret(name: string, value: string): boolean {
  if (CREDENTIAL_FIELDS.has(name)) return true
  // A challenge names a scheme and carries no secret.
  if (HARMLESS_NAME.test(name)) return SECRET_VALUE.test(value.replace(/^\w+ /, ''))
  return SECRET_NAME.test(name) || SECRET_VALUE.test(value)
}

/** Location and Referer repeat a URL with its query. */
function withoutTokens(name: string, value: string): string {
  const isUrl = name === 'location' || name === 'referer'
  const shown = isUrl ? value.split(/[?#]/, 1)[0]!.replace(/\/\/[^/@]*@/, '//') : value
  return isTokenLike(shown) ? '' : shown
}

/** Word by word: one expression over all of a long value would take quadratic time. */
function isTokenLike(value: string): boolean {
  return value
    .split(/\s/)
    .some((word) => /\d/.test(word) && /[A-Za-z]/.test(word) && TOKEN_CHARACTERS.test(word))
}

function credentialsOf(name: string, value: string, fingerprint: Fingerprint): Credential[] {
  // Cookies identify a browser session, not a key: removed, not fingerprinted.
  if (name.includes('cookie') || value.trim() === '') return []
  const scheme = /^([\w-]+) +(.+)$/.exec(value)
  if ((name !== 'authorization' && name !== 'proxy-authorization') || scheme === null)
    return [credential(name, value, fingerprint)]
  const kind = scheme[1]!.toLowerCase()
  const source = `${name}_${kind === 'bearer' || kind === 'basic' ? kind : 'other'}`
  return [credential(source, kind === 'bearer' ? scheme[2]! : value, fingerprint)]
}

function credential(source: string, secret: string, fingerprint: Fingerprint): Credential {
  const found = CLASSES.find(([pattern]) => pattern.test(secret))
  return { source, class: found?.[1] ?? 'unknown', fingerprint: fingerprint(Buffer.from(secret, 'latin1')) }
}
