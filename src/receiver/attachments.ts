// SPDX-License-Identifier: Apache-2.0
/**
 * The probes of a running sensor: set, kept where they belong, taken away. In: announcements of the kernel, changes of files.
 * Out: calls of the addon. Sees no captured byte.
 * @module
 */
import { watch, type FSWatcher } from 'node:fs'
import type { Stats } from '../stats.js'
import type { Addon, NativeCapture } from './addon.js'
import type { DuplicateRecord, MappingRecord } from './decode.js'
import { listPids, openPaths } from './host.js'
import type { AttachRequest } from './images.js'
import { systemImages } from './system-images.js'
import { createTargets, type Target, type Targets } from './targets.js'

export interface AttachmentsSettings {
  stats: Stats
  addon: Pick<Addon, 'inspectElf'>
  capture: Pick<NativeCapture, 'attach' | 'detach' | 'ignoreMapping' | 'heedMappings'>
  /** Runs what a file's change asks for; a bug there must not end the process. */
  guard(action: () => void): void
  /** The probes of a file that was written have gone; calls until the new ones stand are not seen. */
  onRenew?: ((path: string) => void) | undefined
}

export interface Attachments {
  /** The system's images, used or not, and what every process maps. */
  lookAtEverything(): void
  /** As `Targets.rescan`. */
  rescan(): void
  /** A file that no earlier announcement told us of; inode 0 when the kernel lost some. */
  onMapping(record: MappingRecord): void
  onDuplicate(record: DuplicateRecord): void
  targets(): Target[]
  /** Paths of the files that have probes, used by a process or not. */
  attachedFiles(): string[]
  /** The probes themselves go with the capture. */
  close(): void
}

export function createAttachments({
  stats,
  addon,
  capture,
  guard,
  onRenew,
}: AttachmentsSettings): Attachments {
  let renewal: NodeJS.Immediate | undefined
  const watches = createWatches(stats, (cookie) => guard(() => renew(cookie)))
  const targets = createTargets({
    inspect: (path, names) => addon.inspectElf(path, names),
    attach(request) {
      capture.attach(request)
      watches.add(request)
    },
    onLimit: () => stats.add('attachments.refused', 'limit'),
  })

  /**
   * Probes stand on an inode at fixed places. When the file is written in place (`cp new old`), they would go into the middle of
   * the new code: take them away and decide anew. Not within the watcher's own callback: until it returns, the old watch lives on
   * under the new one, and a change that is known already would take the new probes away.
   */
  function renew(cookie: bigint): void {
    const path = targets.images().find((image) => image.cookie === cookie)?.path
    detach(cookie)
    targets.forgetAttachment(cookie)
    capture.heedMappings()
    stats.add('attachments.renewed', 'file_changed')
    if (path !== undefined) onRenew?.(path)
    clearImmediate(renewal)
    renewal = setImmediate(() => guard(() => lookAtEverything(targets)))
  }

  function detach(cookie: bigint): void {
    watches.remove(cookie)
    capture.detach(cookie)
  }

  return {
    lookAtEverything: () => lookAtEverything(targets),
    rescan: () => targets.rescan(),
    onMapping(record) {
      if (record.inode === 0n) return lookAtEverything(targets)
      const candidate = candidateOf(record)
      // Its inode number may have served another file before.
      targets.forget(candidate.fileKey)
      const { deviceMajor, deviceMinor, inode, inodeGeneration } = record
      if (targets.consider(candidate)) capture.ignoreMapping(deviceMajor, deviceMinor, inode, inodeGeneration)
    },
    onDuplicate({ duplicateCookie }) {
      targets.markDuplicate(duplicateCookie)
      detach(duplicateCookie)
    },
    targets: () => targets.report(),
    attachedFiles: () =>
      targets
        .images()
        .filter(({ state }) => state === 'attached')
        .map(({ path }) => path),
    close() {
      clearImmediate(renewal)
      watches.close()
    },
  }
}

function lookAtEverything(targets: Targets): void {
  for (const path of systemImages())
    targets.consider({ paths: [path], name: path, fileKey: `path:${path}`, inode: undefined })
  for (const pid of listPids()) targets.considerProcess(pid)
}

/** Tells once or more when the file under an attachment is written. */
function createWatches(stats: Stats, onChange: (cookie: bigint) => void) {
  const watchers = new Map<bigint, FSWatcher>()
  return {
    add({ path, cookie }: AttachRequest): void {
      try {
        const watcher = watch(path, { persistent: false }, (event) => {
          if (event === 'change') onChange(cookie)
        })
        watcher.on('error', () => watcher.close())
        watchers.set(cookie, watcher)
      } catch {
        stats.add('watches.failed', 'inotify') // the user's limit of watches; the probes are in place all the same
      }
    },
    remove(cookie: bigint): void {
      watchers.get(cookie)?.close()
      watchers.delete(cookie)
    },
    close(): void {
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}

function candidateOf({ pid, deviceMajor, deviceMinor, inode, path: name, address, length }: MappingRecord) {
  const range = `${address.toString(16)}-${(address + length).toString(16)}`
  return {
    paths: openPaths(pid, { range, path: name }),
    name,
    fileKey: `${deviceMajor}:${deviceMinor}:${inode}`,
    inode,
  }
}
