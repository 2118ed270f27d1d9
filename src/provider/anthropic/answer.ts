// SPDX-License-Identifier: Apache-2.0
/**
 * The answer of the messages API, whole or as events (https://docs.anthropic.com/en/docs/build-with-claude/streaming, seen
 * 2026-11). In: parsed JSON. Out: one choice, usage, error.
 * @module
 */
import type { Assembly } from '../assembly.js'
import { genericPart } from '../content.js'
import type { AnswerReader, AnswerResult, Choice, EventEffect } from '../dialect.js'
import { readError, readSentence, type ProviderError } from '../failure.js'
import { readCount, readName, readObject, readText, type JsonObject } from '../fields.js'
import { readBlock, readContent } from './content.js'
import { UsageReader } from './usage.js'

const ERROR_WORDS = ['type']

/** The conventions' words; a reason that they do not have (`pause_turn`) stays as it is. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_call'],
  ['refusal', 'content_filter'],
])

function readFinishReason(value: unknown): string | undefined {
  const name = readName(value)
  return name === undefined ? undefined : (FINISH_REASONS.get(name) ?? name)
}

export class MessageAnswer implements AnswerReader {
  readonly #assembly: Assembly
  readonly #usage = new UsageReader()
  #choice: Choice | undefined
  #id: string | undefined
  #model: string | undefined
  #serviceTier: string | undefined
  #error: ProviderError | undefined

  constructor(assembly: Assembly) {
    this.#assembly = assembly
  }

  readBody(body: JsonObject, isErrorStatus: boolean): void {
    this.#error = readError(body, ERROR_WORDS) ?? (isErrorStatus ? readSentence(body) : undefined)
    if (this.#error !== undefined) return
    this.#readMessage(body)
    this.#usage.readFinal(readObject(body.usage))
    const isAnswer = Array.isArray(body.content) || readName(body.stop_reason) !== undefined
    if (isAnswer && this.#choice !== undefined) this.#choice.parts = readContent(body.content)
    else this.#choice = undefined
  }

  readEvent(event: JsonObject, chars: number): EventEffect {
    switch (event.type) {
      case 'message_start': {
        const message = readObject(event.message) ?? {}
        this.#readMessage(message)
        this.#usage.readStart(readObject(message.usage))
        return undefined
      }
      case 'content_block_start':
        return this.#startBlock(readCount(event.index) ?? 0, readObject(event.content_block) ?? {}, chars)
      case 'content_block_delta':
        return this.#readDelta(readCount(event.index) ?? 0, readObject(event.delta) ?? {})
      case 'message_delta':
        this.#finish(readFinishReason(readObject(event.delta)?.stop_reason))
        this.#usage.readFinal(readObject(event.usage))
        return undefined
      case 'message_stop':
        return 'end'
      default:
        return this.#readOther(event)
    }
  }

  markGap(): void {
    if (this.#choice !== undefined) this.#assembly.markGap()
  }

  result(): AnswerResult {
    const choice = this.#choice
    const parts = choice === undefined ? [] : [...choice.parts, ...this.#assembly.toParts()]
    return {
      ...(this.#id !== undefined && { id: this.#id }),
      ...(this.#model !== undefined && { model: this.#model }),
      ...(this.#serviceTier !== undefined && { serviceTier: this.#serviceTier }),
      choices: choice === undefined ? [] : [{ ...choice, parts }],
      usage: this.#usage.result(),
      error: this.#error,
    }
  }

  #readMessage(message: JsonObject): void {
    this.#id = readName(message.id)
    this.#model = readName(message.model)
    this.#serviceTier = readName(readObject(message.usage)?.service_tier)
    this.#begin().role = readName(message.role) ?? 'assistant'
    this.#finish(readFinishReason(message.stop_reason))
  }

  /** The choice, also when the event that begins it was lost. */
  #begin(): Choice {
    return (this.#choice ??= { role: 'assistant', parts: [], finishReason: undefined })
  }

  #finish(reason: string | undefined): void {
    if (reason !== undefined) this.#begin().finishReason = reason
  }

  /** A tool's name is output already; a text block starts empty. Blocks of other kinds come whole. */
  #startBlock(index: number, block: JsonObject, chars: number): EventEffect {
    this.#begin()
    const kind = block.type
    // Comes with its only delta.
    if (kind === 'compaction' && readText(block.content) === undefined) return undefined
    if (kind === 'text' || kind === 'thinking') {
      const text = readText(block[kind])
      if (!text) return undefined
      this.#assembly.addText(index, kind === 'text' ? 'text' : 'reasoning', text)
    } else if (kind === 'tool_use' || kind === 'server_tool_use' || kind === 'mcp_tool_use') {
      const { id, name, input } = block
      this.#assembly.beginTool(index, {
        kind: kind === 'tool_use' ? 'tool_call' : 'server_tool_call',
        id,
        name,
        input,
      })
    } else {
      this.#assembly.addPart(readBlock(block), chars)
    }
    return 'output'
  }

  #readDelta(index: number, delta: JsonObject): EventEffect {
    this.#begin()
    const text = readText(delta.text) ?? readText(delta.thinking)
    if (text) {
      this.#assembly.addText(index, delta.type === 'thinking_delta' ? 'reasoning' : 'text', text)
      return 'output'
    }
    if (delta.type === 'compaction_delta') return this.#addCompaction(delta.content)
    const json = readText(delta.partial_json)
    if (!json) return undefined
    this.#assembly.addArguments(index, json)
    return 'output'
  }

  #addCompaction(content: unknown): EventEffect {
    const text = readText(content)
    if (!text) return undefined
    this.#assembly.addPart(genericPart('compaction', text), text.length)
    return 'output'
  }

  /** `ping` and whatever comes later say nothing; an error ends the stream. */
  #readOther(event: JsonObject): EventEffect {
    const error = readError(event, ERROR_WORDS)
    if (error === undefined) return undefined
    this.#error ??= error
    return 'end'
  }
}
