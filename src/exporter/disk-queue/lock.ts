// SPDX-License-Identifier: Apache-2.0
/**
 * One sensor per queue folder. In: the folder. Out: a lock that ends with the process, however it ends.
 *
 * The lock is a listening Unix socket in the folder: the kernel stops listening when the process dies, so a name that refuses
 * connections is a dead sensor's. Other ways do less: Node has no flock; a pid file says nothing across pid namespaces, and two
 * sidecars may share a volume; an abstract socket does not cross network namespaces, and anybody can take its name first.
 * Every sensor binds a name of its own and then looks for others: removing a dead one's name can never hit a live one. Of two
 * that start at the same moment both may give up, but never do both go on.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { SensorError } from '../../errors.js'
import type { QueueFolder } from './folder.js'

const LOCK_NAME = /^lock-[0-9a-f]{16}\.sock$/

export interface FolderLock {
  release(): Promise<void>
}

/** Rejects with SensorError when another sensor has the folder, with a system error when there can be no lock. */
export async function lockFolder(folder: QueueFolder): Promise<FolderLock> {
  const own = `lock-${randomBytes(8).toString('hex')}.sock`
  const server = await listen(folder.at(own))
  const lock: FolderLock = { release: () => new Promise((resolve) => server.close(() => resolve())) }
  try {
    for (const name of folder.names())
      if (LOCK_NAME.test(name) && name !== own && (await isAlive(folder.at(name)))) throw locked(folder.path)
    return lock
  } catch (error) {
    await lock.release()
    throw error
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    // Of itself the lock keeps no process running.
    server.listen(path, () => resolve(server.unref()))
  })
}

/** Removes the name when nobody listens there any more. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') removeQuietly(path)
      // Anything else (a full backlog, say) is no proof of death.
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Another starting sensor was faster, or the disk is read-only: a dead name is in nobody's way.
  }
}

function locked(path: string): SensorError {
  return new SensorError({
    code: 'ERR_EXPORTER_QUEUE_LOCKED',
    message: `another sensor is using the queue folder ${path}`,
    hint: 'Stop it, or give this one a folder of its own: --queue-directory, OISP_QUEUE_DIRECTORY',
  })
}
