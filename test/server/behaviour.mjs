// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The request chooses its answer. In: a model name such as `fake-events200-gzip`, or the same in a header `x-fake`.
 * Out: a `Behaviour`. Because it is the model's name, an unmodified client or SDK can ask for every answer there is.
 * @module
 */

/**
 * @typedef {object} Behaviour
 * @property {number} events content deltas of a stream
 * @property {number} bytes length of the answer's text in UTF-8 bytes, 0 for the standard sentence
 * @property {number} pace ms between two stream events, 0 for flat out
 * @property {number} tools parallel tool calls
 * @property {number} status HTTP status
 * @property {string} coding content coding: identity, gzip, deflate, deflateraw, br
 * @property {string} framing plain (content-length, or chunked for a stream), chunked, trailers, extensions, close
 * @property {string} text ascii, cjk
 * @property {boolean} split a chunked answer has chunks of five bytes, which end inside characters
 * @property {boolean} refusal
 * @property {boolean} cached some of the input came from the prompt cache
 * @property {boolean} reasoning some of the output is reasoning
 * @property {boolean} error the stream ends with the provider's error event
 * @property {boolean} forever the stream goes on until the client leaves
 * @property {boolean} truncated the server drops the connection in the middle of the body
 */

/** @returns {Behaviour} */
function standard() {
  return {
    events: 8,
    bytes: 0,
    pace: 0,
    tools: 0,
    status: 200,
    coding: 'identity',
    framing: 'plain',
    text: 'ascii',
    split: false,
    refusal: false,
    cached: false,
    reasoning: false,
    error: false,
    forever: false,
    truncated: false,
  }
}

/** Words with a number, as in `events200`; the number may be left out where `bare` gives one. */
const NUMBERS = /** @type {const} */ ({
  events: undefined,
  bytes: undefined,
  pace: undefined,
  status: undefined,
  tools: 1,
})
const CODINGS = ['gzip', 'deflate', 'deflateraw', 'br']
const FRAMINGS = ['chunked', 'trailers', 'extensions', 'close']
const FLAGS = /** @type {const} */ ([
  'split',
  'refusal',
  'cached',
  'reasoning',
  'error',
  'forever',
  'truncated',
])

/**
 * Any name that does not begin with `fake-` gets the standard answer. An unknown word throws: a typing error in a test
 * must not pass as the standard answer.
 * @param {string} name
 * @returns {Behaviour}
 */
export function parseBehaviour(name) {
  const behaviour = standard()
  if (!name.startsWith('fake-')) return behaviour
  for (const word of name.slice('fake-'.length).split('-')) applyWord(behaviour, word)
  return behaviour
}

/**
 * @param {Behaviour} behaviour
 * @param {string} word
 */
function applyWord(behaviour, word) {
  const [, letters = '', digits = ''] = /^([a-z]+)(\d*)$/.exec(word) ?? []
  const flag = FLAGS.find((known) => known === word)
  if (Object.hasOwn(NUMBERS, letters)) {
    const key = /** @type {keyof typeof NUMBERS} */ (letters)
    const number = digits === '' ? NUMBERS[key] : Number(digits)
    if (number === undefined) throw new Error(`fake model: ${word} needs a number`)
    behaviour[key] = number
  } else if (CODINGS.includes(word)) behaviour.coding = word
  else if (FRAMINGS.includes(word)) behaviour.framing = word
  else if (word === 'cjk') behaviour.text = word
  else if (flag !== undefined) behaviour[flag] = true
  else if (word !== 'plain') throw new Error(`fake model: unknown word ${JSON.stringify(word)}`)
}
