// SPDX-License-Identifier: Apache-2.0
/**
 * A provider reads the bodies of one API and says what happened in the words of the GenAI semantic conventions.
 * @module
 */
import type {
  Completeness,
  Credential,
  ExchangeEvent,
  ExchangeRef,
  Outcome,
  RequestHead,
} from '../protocol/types.js'

/** Adding a provider = one folder + one line in `index.ts`. */
export interface Provider {
  /** Value of gen_ai.provider.name when the host does not name a better one. */
  readonly name: string
  /**
   * How sure this provider is from the head alone, or undefined for "not mine". Path and method decide that it is this
   * API's shape; the host only raises the score (gateways and localhost bases must work). Cheap, pure.
   */
  match(head: RequestHead): number | undefined
  /** One per exchange; gets every event of the exchange from `request` to `end`. */
  open(head: RequestHead, settings: ProviderSettings): ExchangeDecoder
}

export interface ProviderSettings {
  /** Largest body (after content coding) that is kept for decoding, in bytes. */
  maxBodyBytes: number
  budget: import('../stats.js').Budget
  stats: import('../stats.js').Stats
}

export interface ExchangeDecoder {
  /** Returns the AI event at `end`, or undefined when the body shows that it was not this API after all. Never throws. */
  consume(event: ExchangeEvent): AiEvent | undefined
}

/** One model call. All content is in the message shape of the conventions (semconv.md 8). */
export interface InferenceEvent {
  kind: 'inference'
  exchange: ExchangeRef
  operation: 'chat' | 'text_completion' | 'generate_content'
  providerName: string
  serverAddress: string | undefined
  serverPort: number
  startUnixNano: bigint
  endUnixNano: bigint
  /** First response-body byte that carried output; streaming answers only. */
  firstChunkUnixNano: bigint | undefined
  request: InferenceRequest
  response: InferenceResponse
  usage: Usage | undefined
  /** Set if and only if the call failed. */
  error: InferenceError | undefined
  outcome: Outcome
  /** `metadata`: everything was seen, but a body could not be read (unknown content coding, or not of this API). */
  completeness: Completeness | 'metadata'
  missingBytes: number
  /** As sent: W3C traceparent and tracestate. */
  traceparent: string | undefined
  tracestate: string | undefined
  userAgent: string | undefined
  requestId: string | undefined
  clientRequestId: string | undefined
  credentials: Credential[]
  /** HTTP response status, when one was seen. */
  httpStatus: number | undefined
}

export interface InferenceRequest {
  model: string | undefined
  stream: boolean
  maxTokens?: number
  temperature?: number
  topP?: number
  topK?: number
  frequencyPenalty?: number
  presencePenalty?: number
  seed?: number
  choiceCount?: number
  stopSequences?: string[]
  reasoningLevel?: string
  outputType?: string
  serviceTier?: string
  /** `chat_completions` for OpenAI's chat API. */
  apiType?: string
  systemInstructions?: Part[]
  inputMessages?: ChatMessage[]
  toolDefinitions?: ToolDefinition[]
  /** Bytes of the request body on the wire side of content coding, i.e. decoded. */
  bodyBytes: number
}

export interface InferenceResponse {
  id?: string
  model?: string
  finishReasons?: string[]
  serviceTier?: string
  systemFingerprint?: string
  outputMessages?: OutputMessage[]
  bodyBytes: number
}

/** Normalised as semconv.md 12 says: input contains cached tokens, output contains reasoning. */
export interface Usage {
  inputTokens?: number
  outputTokens?: number
  cacheReadInputTokens?: number
  cacheWriteInputTokens?: number
  reasoningOutputTokens?: number
  textInputTokens?: number
  audioInputTokens?: number
  audioOutputTokens?: number
}

export interface InferenceError {
  /** Low-cardinality `error.type`: the provider's own code, the HTTP status, `cancelled`, `connection_closed` or `_OTHER`. */
  type: string
  /** The provider's sentence. Content: echoes keys and prompts; never leaves in safe mode. */
  message: string | undefined
}

export interface ChatMessage {
  role: string
  parts: Part[]
  name?: string
}

export interface OutputMessage extends ChatMessage {
  finish_reason: string
}

/** Discriminated by `type`; keys exactly as in the conventions' JSON schema, because it is exported as is. */
export type Part =
  | { type: 'text'; content: string }
  | { type: 'reasoning'; content: string }
  | { type: 'tool_call'; id?: string | null; name: string; arguments?: unknown }
  | { type: 'tool_call_response'; id?: string | null; response: unknown }
  | {
      type: 'server_tool_call'
      id?: string
      name: string
      server_tool_call: { type: string } & Record<string, unknown>
    }
  | {
      type: 'server_tool_call_response'
      id?: string
      server_tool_call_response: { type: string } & Record<string, unknown>
    }
  | { type: 'blob'; mime_type?: string; modality: string; content: string }
  | { type: 'file'; mime_type?: string; modality: string; file_id: string }
  | { type: 'uri'; mime_type?: string; modality: string; uri: string }
  | { type: 'omitted'; content: string }
  | { type: 'generic'; generic_type: string; [key: string]: unknown }

export interface ToolDefinition {
  type: string
  name: string
  description?: string
  parameters?: unknown
  [key: string]: unknown
}

export type AiEvent = InferenceEvent
