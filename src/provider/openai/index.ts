// SPDX-License-Identifier: Apache-2.0
/**
 * OpenAI chat completions, and every server that speaks them under any host and prefix
 * (https://platform.openai.com/docs/api-reference/chat, seen 2026-11). In: parsed JSON. Out: fields of the event.
 * @module
 */
import { hasMessages, scoreHead } from '../detect.js'
import { createDialectProvider } from '../exchange-decoder.js'
import { ChatAnswer } from './answer.js'
import { readChatRequest } from './request.js'

const PATH = /\/chat\/completions\/?$/
/** https://learn.microsoft.com/azure/ai-foundry/openai/reference (seen 2026-11): the model is named by the path. */
const AZURE_PATH = /\/openai\/deployments\/([^/]+)\/chat\/completions\/?$/

export const openai = createDialectProvider({
  name: 'openai',
  match: (head) => scoreHead(head, PATH),
  findName: (head) => (AZURE_PATH.test(head.path) ? 'azure.ai.openai' : undefined),
  isRequest: hasMessages,
  readRequest: (body, head) => readChatRequest(body, AZURE_PATH.exec(head.path)?.[1]),
  streamEnd: '[DONE]',
  openAnswer: (createAssembly) => new ChatAnswer(createAssembly),
})
