// SPDX-License-Identifier: Apache-2.0
/**
 * The queue's place on disk while this process has it: folder, lock and the next segment's number. Knows no request.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import type { Signal } from '../types.js'
import { openFolder, segmentName, type QueueFolder } from './folder.js'
import { lockFolder, type FolderLock } from './lock.js'
import { recoverFolder, type Recovered } from './recovery.js'
import { Segment } from './segment.js'

export class Store {
  #nextNumber: number

  private constructor(
    readonly folder: QueueFolder,
    readonly lock: FolderLock,
    readonly recovered: Recovered,
  ) {
    this.#nextNumber = recovered.nextNumber
  }

  /** Rejects with SensorError when the folder is not safe or not free, with a system error when it cannot be used. */
  static async open(path: string): Promise<Store> {
    const folder = openFolder(path)
    try {
      const lock = await lockFolder(folder)
      try {
        return new Store(folder, lock, recoverFolder(folder))
      } catch (error) {
        await lock.release()
        throw error
      }
    } catch (error) {
      folder.close()
      throw error
    }
  }

  createSegment(signal: Signal): Promise<Segment> {
    return Segment.create(this.folder, this.#nextNumber++, signal, randomBytes(4).readUInt32LE())
  }

  remove(number: number): Promise<void> {
    return unlink(this.folder.at(segmentName(number)))
  }

  async close(): Promise<void> {
    await this.lock.release()
    this.folder.close()
  }
}
