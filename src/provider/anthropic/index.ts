// SPDX-License-Identifier: Apache-2.0
/**
 * Anthropic messages, under any host and prefix (https://docs.anthropic.com/en/api/messages, seen 2026-11). Counting tokens
 * (`/v1/messages/count_tokens`) and batches are other operations. In: parsed JSON. Out: fields of the event.
 * @module
 */
import { findHeader, scoreHead } from '../detect.js'
import { createDialectProvider } from '../exchange-decoder.js'
import { readName, readObject } from '../fields.js'
import { MessageAnswer } from './answer.js'
import { readMessagesRequest } from './request.js'

const PATH = /\/v1\/messages\/?$/

export const anthropic = createDialectProvider({
  name: 'anthropic',
  match: (head) => scoreHead(head, PATH, findHeader(head.headers, 'anthropic-version') !== undefined),
  isRequest(body) {
    if (!Array.isArray(body.messages)) return false
    const first: unknown = body.messages[0]
    return first === undefined
      ? readName(body.model) !== undefined
      : readName(readObject(first)?.role) !== undefined
  },
  readRequest: readMessagesRequest,
  openAnswer: (createAssembly) => new MessageAnswer(createAssembly()),
})
