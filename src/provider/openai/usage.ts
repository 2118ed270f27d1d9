// SPDX-License-Identifier: Apache-2.0
/**
 * Token counts of the chat API. In: a parsed `usage` object. Out: normalised usage: input contains the cached tokens (it does
 * here), output contains the reasoning.
 * @module
 */
import { present, readCount, readObject, type JsonObject } from '../fields.js'
import type { Usage } from '../types.js'

export function readUsage(usage: JsonObject | undefined): Usage | undefined {
  if (usage === undefined) return undefined
  const input = readObject(usage.prompt_tokens_details)
  const output = readObject(usage.completion_tokens_details)
  const read = present<Usage>({
    inputTokens: readCount(usage.prompt_tokens),
    outputTokens: readOutputTokens(usage, readCount(output?.reasoning_tokens)),
    cacheReadInputTokens:
      readCount(input?.cached_tokens) ??
      // DeepSeek (https://api-docs.deepseek.com/guides/kv_cache) and Moonshot.
      readCount(usage.prompt_cache_hit_tokens) ??
      readCount(usage.cached_tokens),
    cacheWriteInputTokens: readCount(input?.cache_write_tokens),
    reasoningOutputTokens: readCount(output?.reasoning_tokens),
    textInputTokens: readCount(input?.text_tokens),
    audioInputTokens: readCount(input?.audio_tokens),
    audioOutputTokens: readCount(output?.audio_tokens),
  })
  return Object.keys(read).length > 0 ? read : undefined
}

/**
 * xAI leaves the reasoning out of `completion_tokens` and counts it in `total_tokens`, which tells the two apart
 * (https://docs.x.ai/docs/key-information/consumption-and-rate-limits; numbers in github.com/vercel/ai/pull/12425, seen 2026-11):
 * only there it is prompt + completion + reasoning.
 */
function readOutputTokens(usage: JsonObject, reasoning: number | undefined): number | undefined {
  const input = readCount(usage.prompt_tokens)
  const output = readCount(usage.completion_tokens)
  const total = readCount(usage.total_tokens)
  if (input === undefined || output === undefined || !reasoning) return output
  return total === input + output + reasoning ? output + reasoning : output
}
