// SPDX-License-Identifier: Apache-2.0
/**
 * OpenAI chat completions, and every server that speaks them under any host and prefix
 * (https://platform.openai.com/docs/api-reference/chat, seen 2026-11). In: parsed JSON. Out: fields of the event.
 * @module
 */
import { scoreHead } from '../detect.js'
import { createDialectProvider } from '../exchange-decoder.js'
import { readName, readObject } from '../fields.js'
import { ChatAnswer } from './answer.js'
import { readChatRequest } from './request.js'

const PATH = /\/chat\/completions\/?$/
/** https://learn.microsoft.com/azure/ai-foundry/openai/reference (seen 2026-11): the model is named by the path. */
const AZURE_PATH = /\/openai\/deployments\/([^/]+)\/chat\/completions\/?$/

export const openai = createDialectProvider({
  name: 'openai',
  match: (head) => scoreHead(head, PATH),
  findName: (head) => (AZURE_PATH.test(head.path) ? 'azure.ai.openai' : undefined),
  isRequest(body) {
    if (!Array.isArray(body.messages)) return false
    const first: unknown = body.messages[0]
    return first === undefined
      ? readName(body.model) !== undefined
      : readName(readObject(first)?.role) !== undefined
  },
  readRequest: readChatRequest,
  streamEnd: '[DONE]',
  openAnswer: (createAssembly) => new ChatAnswer(createAssembly),
})
