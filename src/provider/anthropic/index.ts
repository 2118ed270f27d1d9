// SPDX-License-Identifier: Apache-2.0
/**
 * Anthropic messages, under any host and prefix (https://docs.anthropic.com/en/api/messages, seen 2026-11). Counting tokens
 * (`/v1/messages/count_tokens`) and batches are other operations. In: parsed JSON. Out: fields of the event.
 * @module
 */
import { findHeader, hasMessages, scoreHead } from '../detect.js'
import { createDialectProvider } from '../exchange-decoder.js'
import { MessageAnswer } from './answer.js'
import { readMessagesRequest } from './request.js'

const PATH = /\/v1\/messages\/?$/

export const anthropic = createDialectProvider({
  name: 'anthropic',
  match: (head) => scoreHead(head, PATH, findHeader(head.headers, 'anthropic-version') !== undefined),
  isRequest: hasMessages,
  readRequest: readMessagesRequest,
  openAnswer: (createAssembly) => new MessageAnswer(createAssembly()),
})
