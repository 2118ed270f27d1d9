// SPDX-License-Identifier: Apache-2.0
/**
 * A complete model call as the provider room hands it over, for tests of run, redaction and conformance.
 * @module
 */
import type { ProcessRef } from '../../src/process/types.js'
import type { InferenceEvent } from '../../src/provider/types.js'

/** Not a round number of milliseconds: a double would lose its last digits. */
export const START = 1_700_000_000_123_456_789n
const SECOND = 1_000_000_000n

export function makeProcess(change: Partial<ProcessRef> = {}): ProcessRef {
  return {
    pid: 4321,
    startBoottimeNs: 77n,
    key: '4321:77',
    startUnixNano: START - 60n * SECOND,
    parentPid: 4000,
    userId: 1000,
    groupId: 1000,
    cgroupId: 1n,
    containerId: undefined,
    comm: 'python3',
    executable: '/usr/bin/python3.11',
    script: '/home/ada/agent.py',
    arguments: ['python3', '/home/ada/agent.py', '--task', 'CANARY-argv-1'],
    isKnown: true,
    exited: false,
    ...change,
  }
}

/** A streamed chat with tools and usage that ended well. */
export function makeEvent(
  change: Partial<InferenceEvent> = {},
  process = makeProcess(),
  number = 0,
): InferenceEvent {
  return {
    kind: 'inference',
    exchange: { connection: { key: `${process.key}:7f00:1`, process }, number },
    operation: 'chat',
    providerName: 'openai',
    serverAddress: 'api.openai.com',
    serverPort: 443,
    startUnixNano: START,
    endUnixNano: START + 2n * SECOND + 500_000_001n,
    firstChunkUnixNano: START + 250_000_000n,
    request: {
      model: 'gpt-4o-mini',
      stream: true,
      maxTokens: 256,
      temperature: 1,
      topP: 0.5,
      seed: 42,
      choiceCount: 1,
      stopSequences: ['CANARY-stop-1'],
      serviceTier: 'auto',
      apiType: 'chat_completions',
      systemInstructions: [{ type: 'text', content: 'CANARY-system-1' }],
      inputMessages: [
        { role: 'user', parts: [{ type: 'text', content: 'CANARY-prompt-1 \u65e5\u672c' }] },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: 'CANARY-result-1' }] },
      ],
      toolDefinitions: [{ type: 'function', name: 'weather', description: 'CANARY-tool-1' }],
      bodyBytes: 1000,
    },
    response: {
      id: 'chatcmpl-AbC123',
      model: 'gpt-4o-mini-2024-07-18',
      finishReasons: ['tool_calls'],
      serviceTier: 'default',
      systemFingerprint: 'fp_44709d6fcb',
      outputMessages: [
        {
          role: 'assistant',
          parts: [
            { type: 'tool_call', id: 'call_2', name: 'weather', arguments: { city: 'CANARY-arguments-1' } },
          ],
          finish_reason: 'tool_call',
        },
      ],
      bodyBytes: 500,
    },
    usage: { inputTokens: 100, outputTokens: 20, cacheReadInputTokens: 64, cacheWriteInputTokens: 8 },
    error: undefined,
    outcome: 'completed',
    completeness: 'complete',
    missingBytes: 0,
    traceparent: undefined,
    tracestate: undefined,
    userAgent: 'OpenAI/Python 1.99.0',
    requestId: 'req_011CSHoEeqs5C35K2UUqR7Fy',
    clientRequestId: undefined,
    credentials: [{ source: 'authorization_bearer', class: 'openai_project', fingerprint: 'ab'.repeat(16) }],
    httpStatus: 200,
    ...change,
  }
}

/** Refused by the provider, whose sentence quotes the key. */
export function makeFailure(change: Partial<InferenceEvent> = {}): InferenceEvent {
  const event = makeEvent()
  return makeEvent({
    request: { ...event.request, stream: false },
    response: { bodyBytes: 80 },
    firstChunkUnixNano: undefined,
    usage: undefined,
    error: {
      type: 'rate_limit_exceeded',
      message: 'CANARY-message-1: sk-proj-0123456789abcdefghij is over its limit',
    },
    httpStatus: 429,
    ...change,
  })
}
