// SPDX-License-Identifier: Apache-2.0
/**
 * What receivers answer. In: bytes of an Export…ServiceResponse, of a google.rpc.Status, or JSON of either. Out: partial
 * success, message, RetryInfo. An answer that cannot be read is an answer without details: never throws.
 * @module
 */
import protobuf from 'protobufjs/minimal.js'

export interface PartialSuccess {
  rejectedItems: number
  message: string | undefined
}

const NOTHING_REJECTED: PartialSuccess = { rejectedItems: 0, message: undefined }
const isJson = (contentType: string | undefined): boolean => /^application\/json\b/i.test(contentType ?? '')

/** Some receivers answer a protobuf request with JSON, an empty body or a page: all of these are 200s. */
export function decodeExportResponse(body: Uint8Array, contentType?: string): PartialSuccess {
  try {
    return isJson(contentType) ? decodeJsonResponse(body) : decodeProtobufResponse(body)
  } catch {
    return NOTHING_REJECTED
  }
}

function decodeProtobufResponse(body: Uint8Array): PartialSuccess {
  let partial: PartialSuccess = NOTHING_REJECTED
  eachField(body, (field, reader) => {
    if (field !== 1) return false
    partial = decodePartialSuccess(reader.bytes())
    return true
  })
  return partial
}

function decodePartialSuccess(body: Uint8Array): PartialSuccess {
  const out = { rejectedItems: 0, message: undefined as string | undefined }
  eachField(body, (field, reader) => {
    if (field === 1) out.rejectedItems = Number(reader.int64())
    else if (field === 2) out.message = reader.string() || undefined
    else return false
    return true
  })
  return out
}

function decodeJsonResponse(body: Uint8Array): PartialSuccess {
  const json = JSON.parse(Buffer.from(body).toString('utf8')) as {
    partialSuccess?: Record<string, unknown>
  } | null
  const partial = json?.partialSuccess ?? {}
  const rejected = partial.rejectedSpans ?? partial.rejectedLogRecords ?? partial.rejectedDataPoints ?? 0
  const message = partial.errorMessage
  return {
    rejectedItems: Number(rejected) || 0,
    message: typeof message === 'string' && message !== '' ? message : undefined,
  }
}

export interface RpcStatus {
  message: string | undefined
  retryDelayMs: number | undefined
}

/** A google.rpc.Status: the trailer `grpc-status-details-bin`, or the body of an HTTP error. */
export function decodeRpcStatus(body: Uint8Array, contentType?: string): RpcStatus {
  try {
    return isJson(contentType) ? decodeJsonStatus(body) : decodeProtobufStatus(body)
  } catch {
    return { message: undefined, retryDelayMs: undefined }
  }
}

function decodeProtobufStatus(body: Uint8Array): RpcStatus {
  const out: RpcStatus = { message: undefined, retryDelayMs: undefined }
  eachField(body, (field, reader) => {
    if (field === 2) out.message = reader.string() || undefined
    else if (field === 3) out.retryDelayMs = decodeRetryInfo(reader.bytes()) ?? out.retryDelayMs
    else return false
    return true
  })
  return out
}

/** google.protobuf.Any {type_url 1, value 2} → RetryInfo {retry_delay 1} → Duration {seconds 1, nanos 2}. */
function decodeRetryInfo(any: Uint8Array): number | undefined {
  let type = ''
  let value: Uint8Array = new Uint8Array()
  eachField(any, (field, reader) => {
    if (field === 1) type = reader.string()
    else if (field === 2) value = reader.bytes()
    else return false
    return true
  })
  if (!type.endsWith('/google.rpc.RetryInfo')) return undefined
  let delayMs = 0
  eachField(value, (field, reader) => {
    if (field !== 1) return false
    eachField(reader.bytes(), (part, duration) => {
      if (part === 1) delayMs += Number(duration.int64()) * 1000
      else if (part === 2) delayMs += duration.int32() / 1e6
      else return false
      return true
    })
    return true
  })
  return Math.max(0, delayMs)
}

function decodeJsonStatus(body: Uint8Array): RpcStatus {
  const json = JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown> | null
  const message = json?.message ?? json?.error
  return { message: typeof message === 'string' ? message : undefined, retryDelayMs: undefined }
}

/** Calls `read` per field; it returns false for a field it does not know, which is then skipped. */
function eachField(body: Uint8Array, read: (field: number, reader: protobuf.Reader) => boolean): void {
  const reader = protobuf.Reader.create(body)
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (!read(tag >>> 3, reader)) reader.skipType(tag & 7)
  }
}
