// SPDX-License-Identifier: Apache-2.0
/**
 * From the events of one exchange to one `InferenceEvent`, the same for every API. In: exchange events and a dialect. Out: the
 * event, or undefined when a whole request body shows that this was another API. Damage never loses a call: the event comes out
 * with what was truly read.
 * @module
 */
import type { ExchangeEvent, RequestHead } from '../protocol/types.js'
import { Answer } from './answer.js'
import { Body } from './body.js'
import { findHeader, findHostProvider, isReadable } from './detect.js'
import type { AnswerResult, Choice, Dialect } from './dialect.js'
import { decideError } from './failure.js'
import { present } from './fields.js'
import { Reservation } from './reservation.js'
import type {
  ExchangeDecoder,
  InferenceEvent,
  InferenceRequest,
  InferenceResponse,
  OutputMessage,
  Provider,
  ProviderSettings,
} from './types.js'

type EndEvent = Extract<ExchangeEvent, { kind: 'end' }>

/** Makes a provider of a dialect. */
export function createDialectProvider(dialect: Dialect): Provider {
  return {
    name: dialect.name,
    match: (head) => dialect.match(head),
    open: (head, settings) => new DialectDecoder(dialect, head, settings),
  }
}

class DialectDecoder implements ExchangeDecoder {
  readonly #dialect: Dialect
  readonly #head: RequestHead
  readonly #requestReservation: Reservation
  readonly #request: Body
  readonly #answer: Answer
  #requestBytes = 0
  #startUnixNano: bigint | undefined

  constructor(dialect: Dialect, head: RequestHead, { stats, budget, maxBodyBytes }: ProviderSettings) {
    this.#dialect = dialect
    this.#head = head
    this.#requestReservation = new Reservation(budget, maxBodyBytes)
    this.#request = new Body(this.#requestReservation, stats)
    this.#answer = new Answer(dialect, stats, budget, maxBodyBytes)
  }

  consume(event: ExchangeEvent): InferenceEvent | undefined {
    this.#startUnixNano ??= event.timeUnixNano
    switch (event.kind) {
      case 'request':
        this.#request.expect(readLength(event.head))
        return undefined
      case 'request-body':
        this.#requestBytes += event.bytes.length
        this.#request.push(event.bytes)
        return undefined
      case 'response':
        this.#answer.head = event.head
        return undefined
      case 'response-body':
        this.#answer.push(event.bytes, event.timeUnixNano)
        return undefined
      case 'gap':
        if (event.side === 'request') this.#request.gap()
        else this.#answer.gap()
        return undefined
      case 'end':
        return this.#end(event)
    }
  }

  #end(end: EndEvent): InferenceEvent | undefined {
    try {
      const request = this.#readRequest(end)
      if (request === undefined) return undefined
      this.#answer.end()
      return this.#toEvent(end, request)
    } finally {
      this.#requestReservation.release()
      this.#answer.release()
    }
  }

  /** Undefined when the body contradicts the path. On a host that serves models nothing does: a bad body there is a failed call. */
  #readRequest(end: EndEvent): InferenceRequest | undefined {
    const { object, isWhole } = this.#request.read()
    const isSeen = !this.#request.isCut && end.completeness === 'complete'
    const isJudged = !this.#isRequestCoded && (isWhole || (isSeen && end.outcome === 'completed'))
    const isRequest = isWhole && object !== undefined && this.#dialect.isRequest(object)
    if (isJudged && !isRequest && findHostProvider(this.#head.host) === undefined) return undefined
    const body = object ?? {}
    return {
      ...this.#dialect.readRequest(body, this.#head),
      stream: body.stream === true || this.#answer.isStream,
      bodyBytes: this.#requestBytes,
    }
  }

  get #isRequestCoded(): boolean {
    return this.#requestBytes > 0 && !isReadable(this.#head.headers)
  }

  /** `metadata`: all of it passed by, and what a body said could not be read. Under an error status there is no more to say. */
  #decideCompleteness(
    end: EndEvent,
    droppedBytes: number,
    isUnderstood: boolean,
  ): InferenceEvent['completeness'] {
    if (end.completeness !== 'complete') return end.completeness
    if (droppedBytes > 0) return 'limit'
    const { head, hasContent, isCoded, isStream, isFinished } = this.#answer
    if (this.#isRequestCoded || isCoded) return 'metadata'
    const isSuccess = end.outcome === 'completed' && head !== undefined && head.status < 400
    const isRead = isUnderstood || (isStream && isFinished)
    return isSuccess && hasContent && !isRead ? 'metadata' : 'complete'
  }

  #toEvent(end: EndEvent, request: InferenceRequest): InferenceEvent {
    const head = this.#head
    const answer = this.#answer
    const result = answer.reader.result()
    const droppedBytes = this.#request.droppedBytes + answer.droppedBytes
    const isAnswered =
      answer.isFinished || result.choices.some(({ finishReason }) => finishReason !== undefined)
    const error = decideError({
      error: result.error,
      httpStatus: answer.head?.status,
      outcome: end.outcome,
      isFinished: answer.isFinished,
      isUnanswered: !isAnswered && !answer.isDamaged && droppedBytes === 0 && end.completeness === 'complete',
    })
    return {
      kind: 'inference',
      exchange: end.exchange,
      operation: 'chat',
      providerName: findHostProvider(head.host) ?? this.#dialect.findName?.(head) ?? this.#dialect.name,
      serverAddress: head.host,
      serverPort: head.port,
      startUnixNano: this.#startUnixNano ?? end.timeUnixNano,
      endUnixNano: end.timeUnixNano,
      firstChunkUnixNano: answer.firstOutputUnixNano,
      request,
      response: toResponse(result, answer.bodyBytes),
      usage: result.usage,
      error,
      outcome: end.outcome,
      completeness: this.#decideCompleteness(end, droppedBytes, hasAnswer(result)),
      missingBytes: end.missingBytes + droppedBytes,
      ...readHeaders(head, answer),
      credentials: head.credentials,
      httpStatus: answer.head?.status,
    }
  }
}

/** Anything that only an answer of this API has. */
function hasAnswer({ id, model, choices, usage, error }: AnswerResult): boolean {
  return choices.length > 0 || (id ?? model ?? usage ?? error) !== undefined
}

function readLength({ headers }: RequestHead): number {
  return Number(/^\d+$/.exec(findHeader(headers, 'content-length') ?? '')?.[0] ?? 0)
}

type HeaderFields = Pick<
  InferenceEvent,
  'traceparent' | 'tracestate' | 'userAgent' | 'requestId' | 'clientRequestId'
>

/** `request-id` is Anthropic's, `x-request-id` OpenAI's and most others', `apim-request-id` Azure's. */
function readHeaders({ headers }: RequestHead, { head }: Answer): HeaderFields {
  const answered = head?.headers ?? []
  return {
    traceparent: findHeader(headers, 'traceparent'),
    tracestate: findHeader(headers, 'tracestate'),
    userAgent: findHeader(headers, 'user-agent'),
    requestId:
      findHeader(answered, 'request-id') ??
      findHeader(answered, 'x-request-id') ??
      findHeader(answered, 'apim-request-id'),
    clientRequestId: findHeader(headers, 'x-client-request-id'),
  }
}

/** Finish reasons are positional: `error` stands for a choice that was not received to its end (semconv, finish_reasons). */
function toResponse(result: AnswerResult, bodyBytes: number): InferenceResponse {
  const { id, model, serviceTier, systemFingerprint, choices } = result
  const isAnyFinished = choices.some(({ finishReason }) => finishReason !== undefined)
  const isAnyFilled = choices.some(({ parts }) => parts.length > 0)
  return {
    ...present({ id, model, serviceTier, systemFingerprint }),
    ...(isAnyFinished && { finishReasons: choices.map(({ finishReason }) => finishReason ?? 'error') }),
    ...(isAnyFilled && { outputMessages: choices.map(toOutputMessage) }),
    bodyBytes,
  }
}

function toOutputMessage({ role, parts, name, finishReason }: Choice): OutputMessage {
  return { role, parts, ...(name !== undefined && { name }), finish_reason: finishReason ?? 'error' }
}
