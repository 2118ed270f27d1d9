// SPDX-License-Identifier: Apache-2.0
/**
 * One streamed message, put together from its deltas. In: pieces of text and of tool arguments, by key. Out: parts, in the order
 * in which they began. Never glues over a gap and never holds more than its reservation.
 * @module
 */
import { genericPart, omittedPart, parseArguments, textPart } from './content.js'
import { readName, readText, readValue } from './fields.js'
import type { Refusal, Reservation } from './reservation.js'
import type { Part } from './types.js'

/** What V8 needs for a piece of a concatenated string beyond its (two-byte) characters, about. */
const PIECE_OVERHEAD_BYTES = 64

export type TextKind = 'text' | 'reasoning' | 'refusal'
export type Key = string | number

export interface ToolStart {
  kind: 'tool_call' | 'server_tool_call'
  id: unknown
  name: unknown
  /** The input is text for its own sake, not JSON. */
  isFreeText?: boolean
  /** Arguments that came with the start, for APIs that send them as a value. */
  input?: unknown
}

interface TextBlock {
  kind: TextKind
  text: string
}
interface ToolBlock {
  kind: ToolStart['kind']
  id: string | undefined
  name: string | undefined
  input: unknown
  json: string
  isFreeText: boolean
  /** Bytes of the arguments are missing: even if the rest parses, it is not what the model wrote. */
  isBroken: boolean
}
interface WholeBlock {
  kind: 'whole'
  part: Part
}
const LOST_TOOL: ToolBlock = {
  kind: 'tool_call',
  id: undefined,
  name: undefined,
  input: undefined,
  json: '',
  isFreeText: false,
  isBroken: true,
}
type Block = TextBlock | ToolBlock | WholeBlock

export class Assembly {
  readonly #reservation: Reservation
  readonly #onRefused: (reason: Refusal, chars: number) => void
  readonly #blocks: Block[] = []
  readonly #open = new Map<Key, Block>()
  #isFull = false

  constructor(reservation: Reservation, onRefused: (reason: Refusal, chars: number) => void) {
    this.#reservation = reservation
    this.#onRefused = onRefused
  }

  addText(key: Key, kind: TextKind, text: string): void {
    if (!this.#keep(text.length)) return
    const block = this.#open.get(key)
    if (block !== undefined && block.kind === kind) block.text += text
    else this.#begin(key, { kind, text })
  }

  hasTool(key: Key, id: string | undefined): boolean {
    const block = this.#tool(key)
    return block !== undefined && (id === undefined || block.id === undefined || block.id === id)
  }

  beginTool(key: Key, start: ToolStart): void {
    if (!this.#keep(PIECE_OVERHEAD_BYTES)) return
    const { kind, input, isFreeText = false } = start
    const id = readText(start.id)
    this.#begin(key, { kind, id, name: readName(start.name), input, json: '', isFreeText, isBroken: false })
  }

  addArguments(key: Key, json: string): void {
    if (!this.#keep(json.length)) return
    const block = this.#tool(key)
    if (block !== undefined) block.json += json
    // Its start was lost, and with it the name.
    else this.#begin(key, { ...LOST_TOOL, json })
  }

  addPart(part: Part, chars: number): void {
    if (this.#keep(chars)) this.#blocks.push({ kind: 'whole', part })
  }

  markGap(): void {
    if (this.#isFull) return
    for (const [key, block] of this.#open) {
      if ('isBroken' in block) block.isBroken = true
      else this.#open.delete(key)
    }
    if (this.#keep(PIECE_OVERHEAD_BYTES))
      this.#blocks.push({ kind: 'whole', part: omittedPart('bytes were lost here') })
  }

  toParts(): Part[] {
    return this.#blocks.map(toPart)
  }

  #tool(key: Key): ToolBlock | undefined {
    const block = this.#open.get(key)
    return block !== undefined && 'isBroken' in block ? block : undefined
  }

  #begin(key: Key, block: Block): void {
    this.#open.set(key, block)
    this.#blocks.push(block)
  }

  /** False from the first piece that does not fit: later ones would stand next to a hole. */
  #keep(chars: number): boolean {
    const refusal = this.#isFull ? 'max_body_bytes' : this.#reservation.take(2 * chars + PIECE_OVERHEAD_BYTES)
    if (refusal === undefined) return true
    this.#onRefused(refusal, chars)
    if (this.#isFull) return false
    this.#isFull = true
    for (const block of this.#open.values()) if ('isBroken' in block) block.isBroken = true
    this.#blocks.push({ kind: 'whole', part: omittedPart('the rest is over the size limit') })
    return false
  }
}

function toPart(block: Block): Part {
  if ('part' in block) return block.part
  if ('isBroken' in block) return toToolPart(block)
  if (block.kind === 'text') return textPart(block.text)
  if (block.kind === 'reasoning') return { type: 'reasoning', content: block.text }
  return genericPart('refusal', block.text)
}

function toToolPart(block: ToolBlock): Part {
  const { kind, id, name } = block
  if (name === undefined) return omittedPart('a tool call whose name was not seen')
  const value = block.isBroken ? undefined : readArguments(block)
  return kind === 'tool_call' ? toolCallPart(id, name, value) : serverToolCallPart(id, name, value)
}

function readArguments({ input, json, isFreeText }: ToolBlock): unknown {
  if (json === '') return readValue(input)
  return isFreeText ? json : parseArguments(json)
}

export function toolCallPart(id: string | undefined, name: string, value: unknown): Part {
  const part: Extract<Part, { type: 'tool_call' }> =
    id === undefined ? { type: 'tool_call', name } : { type: 'tool_call', id, name }
  if (value !== undefined) part.arguments = value
  return part
}

export function serverToolCallPart(id: string | undefined, name: string, value: unknown): Part {
  return {
    type: 'server_tool_call',
    ...(id !== undefined && { id }),
    name,
    server_tool_call: { type: name, ...(value !== undefined && { arguments: value }) },
  }
}
