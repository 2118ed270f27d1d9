// SPDX-License-Identifier: Apache-2.0
/**
 * Token counts of the messages API. In: `usage` objects, in the order in which they came. Out: normalised usage.
 *
 * `input_tokens` leaves out what the cache read and what it wrote, so the conventions' inclusive count is the sum of three
 * (https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching, seen 2026-11). In a stream the counts of `message_delta`
 * are cumulative: they replace those of `message_start` and are never added to them.
 * @module
 */
import { present, readCount, readObject, type JsonObject } from '../fields.js'
import type { Usage } from '../types.js'

export class UsageReader {
  #input: number | undefined
  #cacheRead: number | undefined
  #cacheWrite: number | undefined
  #output: number | undefined
  #thinking: number | undefined

  /** `message_start` reports a first guess of the output (1 or so) that says nothing about an answer cut off later. */
  readStart(usage: JsonObject | undefined): void {
    this.#input = readCount(usage?.input_tokens) ?? this.#input
    this.#cacheRead = readCount(usage?.cache_read_input_tokens) ?? this.#cacheRead
    this.#cacheWrite = readCount(usage?.cache_creation_input_tokens) ?? this.#cacheWrite
  }

  readFinal(usage: JsonObject | undefined): void {
    this.readStart(usage)
    this.#output = readCount(usage?.output_tokens) ?? this.#output
    this.#thinking = readCount(readObject(usage?.output_tokens_details)?.thinking_tokens) ?? this.#thinking
  }

  result(): Usage | undefined {
    const input = this.#input
    const usage = present<Usage>({
      inputTokens:
        input === undefined ? undefined : readCount(input + (this.#cacheRead ?? 0) + (this.#cacheWrite ?? 0)),
      outputTokens: this.#output,
      cacheReadInputTokens: this.#cacheRead,
      cacheWriteInputTokens: this.#cacheWrite,
      reasoningOutputTokens: this.#thinking,
    })
    return Object.keys(usage).length > 0 ? usage : undefined
  }
}
