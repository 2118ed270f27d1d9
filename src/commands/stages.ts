// SPDX-License-Identifier: Apache-2.0
/**
 * `replay --stop-after`: what one room saw, for a bug report. In: that room's events. Out: one line of JSON each, with kinds,
 * sizes and states and never a byte of content, so that a report can be sent to a stranger.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { Stage, StageSinks } from '../pipeline.js'
import type { ExchangeEvent } from '../protocol/types.js'
import type { AiEvent } from '../provider/types.js'
import type { StreamEvent } from '../stream/types.js'

export const STAGES: readonly Stage[] = ['stream', 'protocol', 'provider']

type Line = Record<string, unknown>

export function createStagePrinters(write: (line: string) => void): StageSinks {
  return {
    stream: createPrinter(describeStreamEvent, write),
    protocol: createPrinter(describeExchangeEvent, write),
    provider: createPrinter(describeAiEvent, write),
  }
}

function createPrinter<T>(describe: (event: T) => Line, write: (line: string) => void): Consumer<T> {
  return {
    consume: (event) => write(JSON.stringify(describe(event), (_, value: unknown) => plain(value))),
    tick() {},
    end() {},
  }
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function describeStreamEvent(event: StreamEvent): Line {
  const { connection, kind, timeUnixNano } = event
  const line: Line = { kind, connection: connection.key, timeUnixNano }
  if (event.kind === 'bytes') return { ...line, ...position(event), bytes: event.bytes.length }
  if (event.kind === 'gap') return { ...line, ...position(event), length: event.length, reason: event.reason }
  if (event.kind === 'close') return { ...line, reason: event.reason, peerClosed: event.peerClosed }
  return line
}

function position({ direction, offset }: { direction: string; offset: number }): Line {
  return { direction, offset }
}

/** Header names tell a protocol story, their values may be secret; the same holds for paths below the API's own. */
function describeExchangeEvent(event: ExchangeEvent): Line {
  const { exchange, kind, timeUnixNano } = event
  const line: Line = { kind, connection: exchange.connection.key, exchange: exchange.number, timeUnixNano }
  switch (event.kind) {
    case 'request':
      return { ...line, method: event.head.method, headers: event.head.headers.map(([name]) => name) }
    case 'response':
      return { ...line, status: event.head.status, headers: event.head.headers.map(([name]) => name) }
    case 'request-body':
    case 'response-body':
      return { ...line, bytes: event.bytes.length }
    case 'gap':
      return { ...line, side: event.side, length: event.length }
    case 'end': {
      const { outcome, completeness, missingBytes } = event
      return { ...line, outcome, completeness, missingBytes }
    }
  }
}

function describeAiEvent(event: AiEvent): Line {
  const { exchange, kind, operation, providerName, outcome, completeness, missingBytes, httpStatus } = event
  return {
    kind,
    connection: exchange.connection.key,
    exchange: exchange.number,
    operation,
    providerName,
    outcome,
    completeness,
    missingBytes,
    httpStatus,
    errorType: event.error?.type,
    isStream: event.request.stream,
    requestBodyBytes: event.request.bodyBytes,
    responseBodyBytes: event.response.bodyBytes,
    inputMessages: event.request.inputMessages?.length,
    outputMessages: event.response.outputMessages?.length,
    tools: event.request.toolDefinitions?.length,
    usage: event.usage,
    startUnixNano: event.startUnixNano,
    endUnixNano: event.endUnixNano,
  }
}
