// SPDX-License-Identifier: Apache-2.0
/**
 * Chunks as servers mostly send them: size, data and line ends of each in one piece. In: bytes at the beginning of a chunk. Out:
 * the data of those that are whole. Leaves everything else (cut chunks, extensions, the last one, damage) to the parser's lines.
 * @module
 */

const LF = 10
const CR = 13
/** 256 MiB less one; a longer size is none that a server sends at once. */
const MAX_DIGITS = 7

/** Calls `pass` with the data of each plain chunk (RFC 9112 7.1) and returns the bytes that these took. */
export function passWholeChunks(bytes: Buffer, pass: (data: Buffer) => void): number {
  let at = 0
  for (;;) {
    let size = 0
    let lineEnd = at
    for (let digit = hexDigit(bytes[at]); digit >= 0; digit = hexDigit(bytes[++lineEnd]))
      size = size * 16 + digit
    const start = lineEnd + 2
    const end = start + size
    const isWhole = end + 2 <= bytes.length && isLineEnd(bytes, lineEnd) && isLineEnd(bytes, end)
    // Size 0 is the last chunk, behind which trailers come.
    if (size === 0 || lineEnd - at > MAX_DIGITS || !isWhole) return at
    pass(bytes.subarray(start, end))
    at = end + 2
  }
}

function isLineEnd(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF
}

/** -1 for what is none, the end of the bytes included. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
