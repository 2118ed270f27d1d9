// SPDX-License-Identifier: Apache-2.0
/**
 * Enough of PNG (W3C PNG 3rd edition, 8-bit RGB or RGBA without interlacing) to tell a page from a blank one. In: a file's bytes. Out: its
 * size and how many colours it has.
 * @module
 */
import { inflateSync } from 'node:zlib'

export interface Picture {
  width: number
  height: number
  /** Different colours. */
  colors: number
  /** Share of the most frequent one. */
  background: number
}

const SIGNATURE = '89504e470d0a1a0a'
const BYTES_PER_PIXEL: Record<number, number> = { 2: 3, 6: 4 }

export function readPicture(file: Buffer): Picture {
  if (file.toString('hex', 0, 8) !== SIGNATURE) throw new Error('not a PNG')
  const header = file.subarray(16, 29)
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const pixelBytes = BYTES_PER_PIXEL[header[9]!]
  if (header[8] !== 8 || pixelBytes === undefined || header[12] !== 0) throw new Error('an unusual PNG')
  const counts = countColors(inflateSync(readData(file)), width, height, pixelBytes)
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b), 0)
  return { width, height, colors: counts.size, background: most / (width * height) }
}

function readData(file: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at)
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  return Buffer.concat(parts)
}

function countColors(data: Buffer, width: number, height: number, pixelBytes: number): Map<number, number> {
  const stride = width * pixelBytes
  const counts = new Map<number, number>()
  let above = Buffer.alloc(stride)
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1)
    const line = unfilter(data[start]!, data.subarray(start + 1, start + 1 + stride), above, pixelBytes)
    for (let at = 0; at < stride; at += pixelBytes) {
      const color = line.readUIntBE(at, 3)
      counts.set(color, (counts.get(color) ?? 0) + 1)
    }
    above = line
  }
  return counts
}

/** PNG 9.2, "Filter types for filter method 0". */
function unfilter(type: number, line: Buffer, above: Buffer, pixelBytes: number): Buffer<ArrayBuffer> {
  const out = Buffer.alloc(line.length)
  for (let at = 0; at < line.length; at++) {
    const left = at < pixelBytes ? 0 : out[at - pixelBytes]!
    const corner = at < pixelBytes ? 0 : above[at - pixelBytes]!
    out[at] = line[at]! + predict(type, left, above[at]!, corner)
  }
  return out
}

function predict(type: number, left: number, up: number, corner: number): number {
  if (type === 1) return left
  if (type === 2) return up
  if (type === 3) return Math.floor((left + up) / 2)
  return type === 4 ? paeth(left, up, corner) : 0
}

/** PNG 9.4. */
function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const [byLeft, byUp, byCorner] = [left, up, corner].map((value) => Math.abs(estimate - value))
  if (byLeft! <= byUp! && byLeft! <= byCorner!) return left
  return byUp! <= byCorner! ? up : corner
}
