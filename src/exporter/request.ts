// SPDX-License-Identifier: Apache-2.0
/**
 * Encoded records → one Export…ServiceRequest. In: records with what stands around them. Out: bytes. Knows no field of a record
 * and no queue.
 * @module
 */
const BYTES = 2
const tag = (field: number, wireType: number): number => (field << 3) | wireType

/** Everything in a request that stands around the records: encoded once per resource. */
export interface Head {
  /** Equal for equal resource, scope and schema URLs: such records share one ResourceSpans. */
  key: string
  resource: Uint8Array
  scope: Uint8Array
  resourceSchemaUrl: string
  scopeSchemaUrl: string
}

/** Upper bound of the bytes `encodeRequest` adds for one head, and for one record beside its own bytes. */
export const headBytes = (head: Head): number =>
  head.resource.length +
  head.scope.length +
  3 * (head.resourceSchemaUrl.length + head.scopeSchemaUrl.length) +
  40
export const RECORD_FRAME_BYTES = 6

/**
 * One Export…ServiceRequest. The three signals share field numbers at every level above the record (ResourceX 1, 2, 3;
 * ScopeX 1, 2, 3), so one function serves them all.
 */
export function encodeRequest(records: readonly { head: Head; body: Uint8Array }[]): Uint8Array {
  const groups = new Map<string, { head: Head; bodies: Uint8Array[] }>()
  for (const { head, body } of records) {
    const group = groups.get(head.key)
    if (group) group.bodies.push(body)
    else groups.set(head.key, { head, bodies: [body] })
  }
  const sizes = [...groups.values()].map(({ head, bodies }) => measureGroup(head, bodies))
  const out = new RequestWriter(sizes.reduce((sum, { groupBytes }) => sum + fieldBytes(groupBytes), 0))
  for (const [index, { head, bodies }] of [...groups.values()].entries()) {
    const { groupBytes, scopedBytes } = sizes[index]!
    out.head(1, groupBytes).field(1, head.resource).head(2, scopedBytes).field(1, head.scope)
    for (const body of bodies) out.field(2, body)
    if (head.scopeSchemaUrl) out.field(3, Buffer.from(head.scopeSchemaUrl))
    if (head.resourceSchemaUrl) out.field(3, Buffer.from(head.resourceSchemaUrl))
  }
  return out.bytes
}

function measureGroup(
  head: Head,
  bodies: readonly Uint8Array[],
): { groupBytes: number; scopedBytes: number } {
  let scopedBytes = fieldBytes(head.scope.length) + textBytes(head.scopeSchemaUrl)
  for (const body of bodies) scopedBytes += fieldBytes(body.length)
  const groupBytes =
    fieldBytes(head.resource.length) + fieldBytes(scopedBytes) + textBytes(head.resourceSchemaUrl)
  return { groupBytes, scopedBytes }
}

const textBytes = (text: string): number => (text === '' ? 0 : fieldBytes(Buffer.byteLength(text)))

/** A field below 16 with a length: one byte of tag, the length as a varint, the content. */
function fieldBytes(length: number): number {
  let bytes = 2 + length
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) bytes += 1
  return bytes
}

/** Megabytes, put together from pieces of known size: written once, into a buffer that fits. */
class RequestWriter {
  readonly bytes: Uint8Array
  #at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  head(field: number, length: number): this {
    this.bytes[this.#at++] = tag(field, BYTES)
    let rest = length
    for (; rest > 127; rest >>>= 7) this.bytes[this.#at++] = (rest & 127) | 128
    this.bytes[this.#at++] = rest
    return this
  }

  field(field: number, content: Uint8Array): this {
    this.head(field, content.length).bytes.set(content, this.#at)
    this.#at += content.length
    return this
  }
}
