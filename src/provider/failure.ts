// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a call failed, and the one low-cardinality word for it (`error.type`, semconv stable: low cardinality, `_OTHER` as fallback).
 * In: what the provider said, the HTTP status and how the exchange ended. Out: the error, or undefined. The provider's sentence is
 * content and travels apart.
 * @module
 */
import type { Outcome } from '../protocol/types.js'
import { readNumber, readObject, readText, type JsonObject } from './fields.js'
import type { InferenceError } from './types.js'

export interface ProviderError {
  /** Undefined when the provider gave no usable word. */
  type: string | undefined
  message: string | undefined
}

export interface CallEnd {
  error: ProviderError | undefined
  httpStatus: number | undefined
  outcome: Outcome
  /** The answer reached its own end: the terminal event of the stream, or one whole JSON object. */
  isFinished: boolean
  /** Everything was seen and could be read, and no answer was in it. */
  isUnanswered: boolean
}

/** Why `cancelled` needs `!isFinished`: clients close on the terminal event, before the framing's last chunk. */
export function decideError(end: CallEnd): InferenceError | undefined {
  const { error, httpStatus, outcome } = end
  const status = httpStatus !== undefined && httpStatus >= 400 ? String(httpStatus) : undefined
  if (error !== undefined) return { type: error.type ?? status ?? '_OTHER', message: error.message }
  if (status !== undefined) return { type: status, message: undefined }
  if (end.isFinished) return undefined
  if (outcome === 'aborted') return { type: 'cancelled', message: undefined }
  if (outcome === 'truncated') return { type: 'connection_closed', message: undefined }
  if (outcome === 'invalid') return { type: '_OTHER', message: undefined }
  // A success that holds no answer (an empty stream, a login page of a proxy): every client of the API fails on it.
  const isSuccess = httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300
  return outcome === 'completed' && isSuccess && end.isUnanswered
    ? { type: '_OTHER', message: undefined }
    : undefined
}

/**
 * Reads the error of a JSON body or event: `{"error":{…}}` of all APIs here, `{"error":"sentence"}` of Ollama, and the bare
 * object `{"object":"error",…}` of vLLM. `wordKeys`: where the API keeps its word, best first.
 */
export function readError(body: JsonObject, wordKeys: readonly string[]): ProviderError | undefined {
  const sentence = readText(body.error)
  if (sentence) return { type: undefined, message: sentence }
  const error = readObject(body.error) ?? (body.object === 'error' ? body : undefined)
  if (error === undefined) return undefined
  const words = wordKeys.map((key) => readWord(error[key]))
  return { type: words.find((word) => word !== undefined), message: readText(error.message) }
}

/** Error bodies of gateways (FastAPI's `detail`, `message`): only a sentence, and only under an error status. */
export function readSentence(body: JsonObject): ProviderError {
  return { type: undefined, message: readText(body.detail) ?? readText(body.message) }
}

/**
 * A word, never a sentence, an id or a key: the value becomes a metric dimension and leaves in safe mode. More than five digits
 * are an id; a number is the HTTP status again, or a private code, and stays as such.
 */
function readWord(value: unknown): string | undefined {
  const number = readNumber(value)
  if (number !== undefined)
    return Number.isInteger(number) && number >= 400 && number < 600 ? String(number) : undefined
  const word = readText(value)
  if (word === undefined || word.length > 64) return undefined
  if (/^[45]\d\d$/.test(word)) return word
  const isWord = /^[A-Za-z][A-Za-z0-9_]*$/.test(word) && word.replace(/\D/g, '').length <= 5
  return isWord ? word : undefined
}
