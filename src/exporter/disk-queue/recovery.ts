// SPDX-License-Identifier: Apache-2.0
/**
 * What earlier processes left in the folder. In: the folder. Out: segments with what is unsettled in them, oldest first, and an
 * account of what is damaged. Changes nothing: the caller counts, says and cleans up.
 * @module
 */
import { segmentNumbers, withSegmentBytes, type QueueFolder } from './folder.js'
import { SEGMENT_HEADER_BYTES } from './format.js'
import type { FoundRequest } from './line.js'
import { scanSegment, type Damage } from './scan.js'
import { Segment } from './segment.js'

export interface FoundSegment {
  segment: Segment
  requests: FoundRequest[]
  /** When the oldest of them was written. */
  oldestUnixMs: number
  /** Bytes behind the last entry, to be cut off so that they are counted once. */
  tailBytes: number
}

export interface Recovered {
  segments: FoundSegment[]
  damage: Damage[]
  /** Not one entry in them can be told: nothing is left to do but to remove them. */
  unreadable: number[]
  /** Left alone: of a later version, or not plain files of our own. */
  foreign: number[]
  /** No segment of this folder has had this number. */
  nextNumber: number
}

export function recoverFolder(folder: QueueFolder): Recovered {
  const numbers = segmentNumbers(folder)
  const nextNumber = (numbers.at(-1) ?? 0) + 1
  const recovered: Recovered = { segments: [], damage: [], unreadable: [], foreign: [], nextNumber }
  for (const number of numbers) {
    const found = withSegmentBytes(folder, number, (source) => ({
      size: source.size,
      scanned: scanSegment(source),
    }))
    if (found === undefined || found.scanned === 'newer') {
      recovered.foreign.push(number)
    } else if (found.scanned === undefined) {
      recovered.unreadable.push(number)
      // An empty file was made and not written to: nothing was in it.
      const kind = found.size < SEGMENT_HEADER_BYTES ? 'torn' : 'damaged'
      if (found.size > 0) recovered.damage.push({ kind, bytes: found.size, entries: 1, items: 0 })
    } else {
      recovered.damage.push(...found.scanned.damage)
      recovered.segments.push(toFound(folder, number, found.size, found.scanned))
    }
  }
  return recovered
}

type Scanned = Exclude<ReturnType<typeof scanSegment>, 'newer' | undefined>

function toFound(folder: QueueFolder, number: number, size: number, scanned: Scanned): FoundSegment {
  const { header, entries, endOffset } = scanned
  const segment = Segment.recover(folder, number, header, endOffset)
  const unsettled = entries.filter(({ isSettled }) => !isSettled)
  segment.live = unsettled.length
  const requests = unsettled.map(({ items, payloadBytes, offset }) => ({
    items,
    bodyBytes: payloadBytes,
    place: { segment, offset },
  }))
  const oldestUnixMs = Math.min(...unsettled.map(({ writtenUnixMs }) => writtenUnixMs))
  return { segment, requests, oldestUnixMs, tailBytes: size - endOffset }
}
