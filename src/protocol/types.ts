// SPDX-License-Identifier: Apache-2.0
/**
 * One grammar of events for all protocols. Per exchange and in this order, each side on its own:
 * `request`, `request-body`*, and `response`, `response-body`*; `gap` between bodies; exactly one `end`, last.
 * The response side may come before the request side's body is finished (capture rule 8). Interim (1xx) answers are not
 * events. Bodies are without transfer coding and without content coding.
 * @module
 */
import type { ConnectionRef } from '../stream/types.js'

/** One request with its response (RFC 9110). One object per exchange: key state by identity. */
export interface ExchangeRef {
  readonly connection: ConnectionRef
  /** 0, 1, 2 … in order of the requests on this connection: part of the deterministic ids. */
  readonly number: number
}

/** Lower-case names, original order. Never holds a credential, a cookie or a query: the protocol room has replaced them. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** What is left of a key: enough to tell two apart, not enough to use one. */
export interface Credential {
  /** `authorization_bearer`, `authorization_basic`, `authorization_other`, `x-api-key`, `api-key`, `x-goog-api-key`, `query`, … */
  source: string
  /** Kind of key by its public prefix, e.g. `anthropic_api`, `openai_project`, `oauth`, `unknown`. */
  class: string
  /** Keyed HMAC, hex, as made by the injected `fingerprint`. */
  fingerprint: string
}

export interface RequestHead {
  method: string
  /** Path only; the query is dropped (its parameter names are kept in `queryNames`). */
  path: string
  queryNames: string[]
  /** `http/1.1`, `http/1.0`; later `h2`. */
  protocol: string
  /** Host header or :authority, lower case, without port; undefined when absent. */
  host: string | undefined
  /** Port of the Host header, or 443. */
  port: number
  headers: HeaderList
  credentials: Credential[]
}

export interface ResponseHead {
  status: number
  headers: HeaderList
}

export type Side = 'request' | 'response'

/** What we saw; the enum of `oisp.capture.completeness` but for `metadata`. */
export type Completeness = 'complete' | 'gap' | 'attached_mid' | 'limit'

/**
 * What happened. `completed`: both messages whole by their own framing. `aborted`: the observed process ended it first.
 * `truncated`: the peer did. `invalid`: the bytes are not the protocol they claim. `unknown`: the end was not seen.
 */
export type Outcome = 'completed' | 'aborted' | 'truncated' | 'invalid' | 'unknown'

export type ExchangeEvent =
  | { kind: 'request'; exchange: ExchangeRef; head: RequestHead; timeUnixNano: bigint }
  | { kind: 'response'; exchange: ExchangeRef; head: ResponseHead; timeUnixNano: bigint }
  | { kind: 'request-body'; exchange: ExchangeRef; bytes: Uint8Array; timeUnixNano: bigint }
  | { kind: 'response-body'; exchange: ExchangeRef; bytes: Uint8Array; timeUnixNano: bigint }
  /** Bytes of this side's body are missing here; a decoder must not glue over it. After a coded body's gap, no more body comes. */
  | { kind: 'gap'; exchange: ExchangeRef; side: Side; length: number; timeUnixNano: bigint }
  | {
      kind: 'end'
      exchange: ExchangeRef
      outcome: Outcome
      completeness: Completeness
      /** Bytes known lost in this exchange, both sides, as they were on the wire. */
      missingBytes: number
      /** Of the last byte seen of this exchange; when it was cut off, of the end of its connection. */
      timeUnixNano: bigint
    }

/** Makes a keyed fingerprint of a credential; injected, because the key belongs to `redaction`. */
export type Fingerprint = (secret: Uint8Array) => string
