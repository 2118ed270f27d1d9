// SPDX-License-Identifier: Apache-2.0
/**
 * Ring-buffer bytes of exchanges that never happened: one streamed Anthropic answer per connection, in the sizes and the
 * record shapes of a real client. In: sizes. Out: batches for the decoder, and the plain bodies for the baseline.
 * @module
 */
import {
  CAPTURE_CHUNK_BYTES,
  CLOSE_RECORD,
  CONNECTION,
  DATA_RECORD,
  RECORD_HEADER,
  RECORD_KIND,
} from '../../dist/receiver/layout.js'

const TEXT = 'The quick brown fox jumps over 13 lazy dogs; if (isReady) { return "done" }\n'

/** A request body of at least `bytes`, and hardly more: a system prompt, tools and a conversation, as coding agents send them. */
export function requestBody(bytes) {
  const tool = (i) => ({
    name: `tool_${i}`,
    description: TEXT.repeat(4),
    input_schema: {
      type: 'object',
      properties: Object.fromEntries(
        ['path', 'old_string', 'new_string', 'limit'].map((name) => [
          name,
          { type: 'string', description: TEXT },
        ]),
      ),
      required: ['path'],
    },
  })
  const body = {
    model: 'claude-sonnet-4-6',
    max_tokens: 32000,
    stream: true,
    system: [{ type: 'text', text: TEXT.repeat(Math.max(1, Math.round(bytes / 2000))) }],
    tools: Array.from({ length: Math.round(bytes / 8000) }, (_, i) => tool(i)),
    messages: [{ role: 'user', content: 'hi' }],
  }
  for (let i = 0; JSON.stringify(body).length < bytes; i++) {
    body.messages.push(
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: `toolu_${i}`, name: 'tool_0', input: { path: `/src/${i}.ts` } }],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: `toolu_${i}`, content: TEXT.repeat(12) }],
      },
    )
  }
  return JSON.stringify(body)
}

/** The `data:` payloads of a streamed answer with `events` text deltas. */
export function ssePayloads(events) {
  const delta = (i) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: `word${i} ` },
  })
  const usage = {
    input_tokens: 10,
    cache_read_input_tokens: 100,
    cache_creation_input_tokens: 20,
    output_tokens: 1,
  }
  return [
    {
      type: 'message_start',
      message: {
        id: 'msg_01',
        type: 'message',
        role: 'assistant',
        model: 'claude-sonnet-4-6',
        content: [],
        usage,
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...Array.from({ length: events }, (_, i) => delta(i)),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: events } },
    { type: 'message_stop' },
  ].map((payload) => ({ event: payload.type, data: JSON.stringify(payload) }))
}

/** One exchange on one connection as the kernel side would have recorded it, each SSE event in a record of its own. */
export function exchangeBatch(body, payloads, connection) {
  const head = [
    'POST /v1/messages?beta=true HTTP/1.1',
    'host: api.anthropic.com',
    'content-type: application/json',
    'x-api-key: sk-ant-api03-0000',
    'anthropic-version: 2023-06-01',
    'user-agent: bench/1.0',
    `content-length: ${Buffer.byteLength(body)}`,
  ].join('\r\n')
  const request = Buffer.from(`${head}\r\n\r\n${body}`)
  const answerHead =
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_01\r\ntransfer-encoding: chunked\r\n\r\n'
  const answers = [
    Buffer.from(answerHead),
    ...payloads.map(({ event, data }) => {
      const text = Buffer.from(`event: ${event}\ndata: ${data}\n\n`)
      return Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`), text, Buffer.from('\r\n')])
    }),
    Buffer.from('0\r\n\r\n'),
  ]
  let time = 1_000_000_000n + BigInt(connection) * 1_000_000_000n
  const records = []
  const put = (direction, bytes, offset) => {
    for (let at = 0; at < bytes.length; at += CAPTURE_CHUNK_BYTES) {
      const piece = bytes.subarray(at, at + CAPTURE_CHUNK_BYTES)
      records.push(dataRecord(connection, direction, offset + at, piece, (time += 1000n)))
    }
    return offset + bytes.length
  }
  const transmitted = put(0, request, 0)
  let received = 0
  for (const answer of answers) received = put(1, answer, received)
  records.push(closeRecord(connection, transmitted, received, (time += 1000n)))
  return Buffer.concat(records)
}

function headed(kind, size, connection, time) {
  const record = Buffer.alloc((size + 7) & ~7)
  record.writeUInt32LE(kind, RECORD_HEADER.kind)
  record.writeUInt32LE(size, RECORD_HEADER.size)
  record.writeBigUInt64LE(time, RECORD_HEADER.time_ns)
  record.writeUInt32LE(4242, RECORD_HEADER.pid)
  record.writeUInt32LE(4242, RECORD_HEADER.tid)
  record.writeBigUInt64LE(77n, RECORD_HEADER.start_boottime_ns)
  record.writeBigUInt64LE(BigInt(connection), DATA_RECORD.connection + CONNECTION.ssl)
  record.writeBigUInt64LE(1n, DATA_RECORD.connection + CONNECTION.generation)
  return record
}

function dataRecord(connection, direction, offset, bytes, time) {
  const record = headed(RECORD_KIND.RECORD_DATA, DATA_RECORD.SIZE + bytes.length, connection, time)
  record.writeBigUInt64LE(BigInt(offset), DATA_RECORD.offset)
  record.writeUInt32LE(bytes.length, DATA_RECORD.length)
  record.writeUInt32LE(direction, DATA_RECORD.direction)
  bytes.copy(record, DATA_RECORD.SIZE)
  return record
}

function closeRecord(connection, transmitted, received, time) {
  const record = headed(RECORD_KIND.RECORD_CLOSE, CLOSE_RECORD.SIZE, connection, time)
  record.writeBigUInt64LE(BigInt(transmitted), CLOSE_RECORD.transmitted)
  record.writeBigUInt64LE(BigInt(received), CLOSE_RECORD.received)
  return record
}
