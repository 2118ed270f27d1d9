// SPDX-License-Identifier: Apache-2.0
/**
 * What one API must say about itself; everything else of decoding is shared. A provider's folder implements this and nothing more.
 * In: parsed JSON. Out: fields of the event. Knows no bytes, no time and no HTTP but the head.
 * @module
 */
import type { RequestHead } from '../protocol/types.js'
import type { Assembly } from './assembly.js'
import type { ProviderError } from './failure.js'
import type { JsonObject } from './fields.js'
import type { ChatMessage, InferenceRequest, InferenceResponse, Usage } from './types.js'

export interface Dialect {
  /** As `Provider.name`. */
  readonly name: string
  match(head: RequestHead): number | undefined
  /** Name by the path, where a path belongs to one provider; the host's name goes first. */
  findName?(head: RequestHead): string | undefined
  /** Could a client of this API have sent `body`? Asked for whole bodies only. */
  isRequest(body: JsonObject): boolean
  /** `body` is empty when nothing of it could be read. */
  readRequest(body: JsonObject, head: RequestHead): Omit<InferenceRequest, 'bodyBytes' | 'stream'>
  /** Data of the event that ends a stream, for APIs where it is not JSON. */
  readonly streamEnd?: string
  openAnswer(createAssembly: () => Assembly): AnswerReader
}

/** What one streamed event did. `output`: it carried text, thinking or a tool call. `end`: nothing more will come. */
export type EventEffect = 'output' | 'end' | undefined

/** Reads one answer; one per exchange. Never throws, whatever the JSON holds. */
export interface AnswerReader {
  readBody(body: JsonObject, isErrorStatus: boolean): void
  /** `chars`: how long the event's text was, for what is kept of it as a whole. */
  readEvent(event: JsonObject, chars: number): EventEffect
  /** Bytes of the stream are missing here. */
  markGap(): void
  result(): AnswerResult
}

/** One of the answers, with its finish reason in the conventions' words, or undefined when it did not come. */
export interface Choice extends ChatMessage {
  finishReason: string | undefined
}

export interface AnswerResult extends Pick<
  InferenceResponse,
  'id' | 'model' | 'serviceTier' | 'systemFingerprint'
> {
  choices: Choice[]
  usage: Usage | undefined
  error: ProviderError | undefined
}
