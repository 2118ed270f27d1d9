// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * What the fake models say: fixed text, fixed ids, usage counted from the bytes. In: a `Behaviour` and the request body.
 * Out: the parts both providers dress in their own JSON. Nothing depends on time, order or chance.
 * @module
 */
import { createHash } from 'node:crypto'

/** @typedef {import('./behaviour.mjs').Behaviour} Behaviour */

const ASCII = 'The sensor sees what the program sees, no more and no less. '
/** Two-, three- and four-byte characters, a joined family, a flag and a combining accent: splits must not hurt any. */
const CJK = '観測は沈黙の中で行われる。传感器看见程序所见。관찰합니다. é e\u0301 👩‍👩‍👧‍👦 🇯🇵 🚀 '

export const REFUSAL = 'I cannot help with that request.'

/**
 * @param {Behaviour} behaviour
 * @returns {string} exactly `behaviour.bytes` UTF-8 bytes when that is set; padded with `.` to a character's border
 */
export function answerText({ text, bytes }) {
  const sentence = text === 'cjk' ? CJK : ASCII
  if (bytes === 0) return sentence.trimEnd()
  const whole = Buffer.byteLength(sentence)
  let out = sentence.repeat(Math.floor(bytes / whole))
  return out + '.'.repeat(bytes - Buffer.byteLength(out))
}

/**
 * Cuts text in `count` parts on code-point borders (a provider never sends half a character inside one JSON string).
 * @param {string} text
 * @param {number} count
 */
export function splitText(text, count) {
  const points = Array.from(text)
  return Array.from({ length: count }, (_, part) =>
    points
      .slice(Math.floor((part * points.length) / count), Math.floor(((part + 1) * points.length) / count))
      .join(''),
  )
}

/**
 * The tool calls of an answer. `number` makes two parallel calls differ.
 * @param {Behaviour} behaviour
 * @param {string} hash
 */
export function toolCalls({ tools }, hash) {
  return Array.from({ length: tools }, (_, number) => ({
    id: `${hash.slice(0, 20)}${number.toString().padStart(4, '0')}`,
    name: 'get_weather',
    input: { city: number === 0 ? 'Zürich' : `城市 ${number}`, unit: 'celsius' },
  }))
}

/** Ids come from the request's bytes: the same call has the same ids on every run. @param {Uint8Array} body */
export function hashOf(body) {
  return createHash('sha256').update(body).digest('hex')
}

/**
 * One token for every four bytes, at least one.
 * @param {unknown} prompt
 * @param {string} text
 * @param {Behaviour} behaviour
 */
export function countUsage(prompt, text, behaviour) {
  const input = Math.max(1, Math.ceil(Buffer.byteLength(JSON.stringify(prompt ?? '')) / 4))
  const visible = Math.max(1, Math.ceil(Buffer.byteLength(text) / 4))
  const reasoning = behaviour.reasoning ? 64 : 0
  return {
    input,
    cached: behaviour.cached ? Math.floor(input / 2) : 0,
    reasoning,
    output: visible + reasoning,
  }
}

/** The model that answers is a dated one, as real providers say it. @param {unknown} model */
export function answeringModel(model) {
  return `${typeof model === 'string' && model !== '' ? model : 'fake'}-2026-01-01`
}
