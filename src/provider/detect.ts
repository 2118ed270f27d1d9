// SPDX-License-Identifier: Apache-2.0
/**
 * What a request head says about who serves it. In: a request head, a body. Out: a provider name, a header, a score. The path decides the API (each
 * provider's `match`); the host only gives the name, because gateways and local servers speak these APIs under any host.
 * @module
 */
import type { HeaderList, RequestHead } from '../protocol/types.js'
import { readName, readObject, type JsonObject } from './fields.js'

/** Host, or a suffix of it with its leading dot → gen_ai.provider.name (semconv's values, and the name itself beyond them). */
const HOSTS: Readonly<Record<string, string>> = {
  'api.openai.com': 'openai',
  '.api.openai.com': 'openai',
  'api.anthropic.com': 'anthropic',
  '.openai.azure.com': 'azure.ai.openai',
  '.cognitiveservices.azure.com': 'azure.ai.openai',
  '.services.ai.azure.com': 'azure.ai.inference',
  '.models.ai.azure.com': 'azure.ai.inference',
  'generativelanguage.googleapis.com': 'gcp.gemini',
  'aiplatform.googleapis.com': 'gcp.vertex_ai',
  '-aiplatform.googleapis.com': 'gcp.vertex_ai',
  'api.groq.com': 'groq',
  'api.deepseek.com': 'deepseek',
  'api.x.ai': 'x_ai',
  '.api.x.ai': 'x_ai',
  'api.mistral.ai': 'mistral_ai',
  'codestral.mistral.ai': 'mistral_ai',
  'api.perplexity.ai': 'perplexity',
  'api.cohere.ai': 'cohere',
  'api.cohere.com': 'cohere',
  'api.moonshot.ai': 'moonshot_ai',
  'api.moonshot.cn': 'moonshot_ai',
  'openrouter.ai': 'openrouter',
}
const SUFFIXES = Object.entries(HOSTS).filter(([host]) => /^[.-]/.test(host))

/** Undefined for a host that is not known to serve models. */
export function findHostProvider(host: string | undefined): string | undefined {
  if (host === undefined) return undefined
  if (Object.hasOwn(HOSTS, host)) return HOSTS[host]
  return SUFFIXES.find(([suffix]) => host.endsWith(suffix))?.[1]
}

/** 2 for a path of the API, one more for a host that serves models, one more for `hint`; undefined for anything else. */
export function scoreHead(head: RequestHead, path: RegExp, hint = false): number | undefined {
  if (head.method !== 'POST' || !path.test(head.path)) return undefined
  return 2 + Number(findHostProvider(head.host) !== undefined) + Number(hint)
}

/** A list of messages that have roles: what tells a chat API's body from any other JSON posted to such a path. */
export function hasMessages(body: JsonObject): boolean {
  if (!Array.isArray(body.messages)) return false
  const first: unknown = body.messages[0]
  return readName(first === undefined ? body.model : readObject(first)?.role) !== undefined
}

/** The first value of a header; `name` in lower case. */
export function findHeader(headers: HeaderList, name: string): string | undefined {
  for (const [key, value] of headers) if (key === name) return value
  return undefined
}

/** Codings that the protocol room takes off (RFC 9110 8.4.1), and how many on top of each other. */
const READABLE_CODINGS = new Set(['', 'identity', 'gzip', 'x-gzip', 'deflate', 'br'])
const MAX_CODINGS = 3

/** Under any other coding the body came as it was, and is not readable here. */
export function isReadable(headers: HeaderList): boolean {
  const names = headers
    .filter(([name]) => name === 'content-encoding')
    .flatMap(([, value]) => value.split(',').map((coding) => coding.trim().toLowerCase()))
  const codings = names.filter((name) => name !== '' && name !== 'identity').length
  return codings <= MAX_CODINGS && names.every((name) => READABLE_CODINGS.has(name))
}
