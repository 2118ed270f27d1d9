// SPDX-License-Identifier: Apache-2.0
/**
 * The answer of a chat completion, whole or as chunks. In: parsed JSON. Out: choices, usage, error.
 *
 * Chunks (https://platform.openai.com/docs/api-reference/chat-streaming, seen 2026-11): a delta per choice, tool calls keyed by
 * their index; with `stream_options.include_usage` a last chunk with empty `choices` and the usage.
 * @module
 */
import type { Assembly, Key, TextKind } from '../assembly.js'
import type { AnswerReader, AnswerResult, Choice, EventEffect } from '../dialect.js'
import { readError, readSentence, type ProviderError } from '../failure.js'
import { readCount, readName, readObject, readObjects, readText, type JsonObject } from '../fields.js'
import type { Usage } from '../types.js'
import { readMessage } from './content.js'
import { readUsage } from './usage.js'

/** `code` is the finer word (`rate_limit_exceeded`), `type` the class of it; either may be null. */
const ERROR_WORDS = ['code', 'type']

/** The conventions' word; one that it does not have stays as the provider's. */
function readFinishReason(value: unknown): string | undefined {
  return value === 'tool_calls' || value === 'function_call' ? 'tool_call' : readName(value)
}

interface StreamedChoice {
  assembly: Assembly
  role: string
  finishReason: string | undefined
  /** Key of the tool call that a delta without index goes on with. */
  lastTool: Key
  toolCount: number
}

/** Delta keys that carry text, and what it is. */
const TEXT_KEYS: readonly (readonly [key: string, kind: TextKind])[] = [
  ['reasoning_content', 'reasoning'],
  ['reasoning', 'reasoning'],
  ['content', 'text'],
  ['refusal', 'refusal'],
]

export class ChatAnswer implements AnswerReader {
  readonly #createAssembly: () => Assembly
  readonly #streamed = new Map<number, StreamedChoice>()
  #whole: Choice[] = []
  #id: string | undefined
  #model: string | undefined
  #serviceTier: string | undefined
  #systemFingerprint: string | undefined
  #usage: Usage | undefined
  #error: ProviderError | undefined

  constructor(createAssembly: () => Assembly) {
    this.#createAssembly = createAssembly
  }

  readBody(body: JsonObject, isErrorStatus: boolean): void {
    this.#error = readError(body, ERROR_WORDS) ?? (isErrorStatus ? readSentence(body) : undefined)
    if (this.#error !== undefined) return
    this.#readEnvelope(body)
    this.#whole = readObjects(body.choices)
      .map((choice, position) => ({ choice, index: readCount(choice.index) ?? position }))
      .sort((a, b) => a.index - b.index)
      .map(({ choice }) => ({
        ...readMessage({ role: 'assistant', ...readObject(choice.message) }),
        finishReason: readFinishReason(choice.finish_reason),
      }))
  }

  readEvent(event: JsonObject): EventEffect {
    const error = readError(event, ERROR_WORDS)
    if (error !== undefined) {
      this.#error ??= error
      return 'end'
    }
    this.#readEnvelope(event)
    let effect: EventEffect
    const choices = readObjects(event.choices)
    for (const choice of choices) if (this.#readChoice(choice)) effect = 'output'
    return effect
  }

  markGap(): void {
    for (const { assembly } of this.#streamed.values()) assembly.markGap()
  }

  result(): AnswerResult {
    return {
      ...(this.#id !== undefined && { id: this.#id }),
      ...(this.#model !== undefined && { model: this.#model }),
      ...(this.#serviceTier !== undefined && { serviceTier: this.#serviceTier }),
      ...(this.#systemFingerprint !== undefined && { systemFingerprint: this.#systemFingerprint }),
      choices: [...this.#whole, ...this.#streamedChoices()],
      usage: this.#usage,
      error: this.#error,
    }
  }

  #streamedChoices(): Choice[] {
    return [...this.#streamed]
      .sort(([a], [b]) => a - b)
      .map(([, { role, assembly, finishReason }]) => ({ role, parts: assembly.toParts(), finishReason }))
  }

  /** Chunks repeat the envelope; Azure's first one is empty (content filter results of the prompt). */
  #readEnvelope(body: JsonObject): void {
    this.#id = readName(body.id) ?? this.#id
    this.#model = readName(body.model) ?? this.#model
    this.#serviceTier = readName(body.service_tier) ?? this.#serviceTier
    this.#systemFingerprint = readName(body.system_fingerprint) ?? this.#systemFingerprint
    // The last one counts: some servers send it with every chunk, growing. Groq has it one level down.
    const usage = readObject(body.usage) ?? readObject(readObject(body.x_groq)?.usage)
    this.#usage = readUsage(usage) ?? this.#usage
  }

  /** True when the choice carried output. */
  #readChoice(choice: JsonObject): boolean {
    const streamed = this.#choice(readCount(choice.index) ?? 0)
    if (streamed === undefined) return false
    streamed.finishReason = readFinishReason(choice.finish_reason) ?? streamed.finishReason
    const delta = readObject(choice.delta)
    if (delta === undefined) return false
    streamed.role = readName(delta.role) ?? streamed.role
    const hasText = readTexts(streamed, delta)
    let hasTool = false
    for (const call of readObjects(delta.tool_calls)) hasTool = readToolDelta(streamed, call) || hasTool
    return hasText || hasTool
  }

  /** The API allows 128 choices; a hostile index must not make more. */
  #choice(index: number): StreamedChoice | undefined {
    const known = this.#streamed.get(index)
    if (known !== undefined || this.#streamed.size >= 128) return known
    const assembly = this.#createAssembly()
    const made = { assembly, role: 'assistant', finishReason: undefined, lastTool: -1, toolCount: 0 }
    this.#streamed.set(index, made)
    return made
  }
}

function readTexts({ assembly }: StreamedChoice, delta: JsonObject): boolean {
  let hasText = false
  let hasReasoning = false
  for (const [key, kind] of TEXT_KEYS) {
    const text = readText(delta[key])
    // Some servers send the same thinking under both keys.
    if (!text || (kind === 'reasoning' && hasReasoning)) continue
    assembly.addText(kind, kind, text)
    hasText = true
    hasReasoning ||= kind === 'reasoning'
  }
  // Audio itself comes as base64 pieces that cannot be joined as text; its transcript says the same.
  const transcript = readText(readObject(delta.audio)?.transcript)
  if (transcript) assembly.addText('transcript', 'text', transcript)
  const legacy = readObject(delta.function_call)
  if (legacy !== undefined) addCall(assembly, 'function_call', undefined, legacy)
  return hasText || Boolean(transcript) || legacy !== undefined
}

/** A call's first delta has id and name, the later ones only its index and pieces of the arguments. */
function readToolDelta(choice: StreamedChoice, call: JsonObject): boolean {
  const custom = readObject(call.custom)
  const called = readObject(call.function) ?? custom
  if (called === undefined) return false
  const id = readName(call.id)
  // Some servers leave the index out, and gateways before Gemini give parallel calls the same one: there the id tells
  // (github.com/su-kaka/gcli2api/pull/406, seen 2026-11).
  const isSame = choice.assembly.hasTool(choice.lastTool, id)
  const key = readCount(call.index) ?? (isSame ? choice.lastTool : `call ${choice.toolCount++}`)
  choice.lastTool = key
  addCall(choice.assembly, key, id, called, custom !== undefined)
  return true
}

function addCall(
  assembly: Assembly,
  key: Key,
  id: string | undefined,
  called: JsonObject,
  isFreeText = false,
): void {
  const name = readName(called.name)
  if (name !== undefined && !assembly.hasTool(key, id))
    assembly.beginTool(key, { kind: 'tool_call', id, name, isFreeText })
  const json = readText(called.arguments) ?? readText(called.input)
  if (json) assembly.addArguments(key, json)
}
