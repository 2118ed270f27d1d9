// SPDX-License-Identifier: Apache-2.0
/**
 * The probes of a running sensor: set, kept where they belong, taken away. In: announcements of the kernel, changes of files.
 * Out: calls of the addon. Sees no captured byte.
 * @module
 */
import type { Stats } from '../stats.js'
import type { Addon, NativeCapture } from './addon.js'
import { openAttachedFile, type AttachedFile } from './attached-file.js'
import type { DuplicateRecord, MappingRecord } from './decode.js'
import { listPids, openPaths } from './host.js'
import type { AttachRequest } from './images.js'
import { createPacer } from './pacer.js'
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
  openFile?: typeof openAttachedFile
}

export interface Attachments {
  /** The system's images, used or not, and what every process maps. */
  lookAtEverything(): void
  /** As `Targets.rescan`; takes the probes from deleted files that no process maps. */
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

/** Whoever may touch a file can say each time that it changed: it is looked at this often. */
const CHECK_MS = 1000

export function createAttachments({
  stats,
  addon,
  capture,
  guard,
  onRenew,
  openFile = openAttachedFile,
}: AttachmentsSettings): Attachments {
  const files = new Map<string, { cookie: bigint; file: AttachedFile }>()
  // Not within the watcher's own callback: until it returns, the old watch lives on under the new one.
  const checks = createPacer(CHECK_MS, (key) => guard(() => check(key)))
  const targets = createTargets({
    inspect: (path, names) => addon.inspectElf(path, names),
    attach(request) {
      capture.attach(request)
      hold(request)
    },
    onLimit: () => stats.add('attachments.refused', 'limit'),
  })

  function hold(request: AttachRequest): void {
    const key = `${request.device}:${request.inode}`
    try {
      const file = openFile(
        request,
        (elf, names) => addon.inspectElf(elf, names),
        stats,
        () => checks.ask(key),
      )
      files.set(key, { cookie: request.cookie, file })
    } catch {
      stats.add('watches.failed', 'open') // the probes are in place all the same
    }
  }

  /**
   * Probes stand on an inode at fixed places. When the file is written in place (`cp new old`), they would go into the middle of
   * the new code: take them away and decide anew.
   */
  function check(key: string): void {
    const held = files.get(key)
    if (held === undefined || held.file.isIntact()) return
    const { cookie, file } = held
    const path = targets.images().find((image) => image.cookie === cookie)?.path
    capture.detach(cookie)
    files.delete(key)
    stats.add('attachments.renewed', 'file_changed')
    if (path !== undefined) onRenew?.(path)
    const isAttached = isRenewed(cookie, file.path)
    file.close()
    // Half written, it is no TLS image yet: whoever maps it later must be announced.
    if (!isAttached) capture.heedMappings()
  }

  function isRenewed(cookie: bigint, path: string): boolean {
    try {
      return targets.renew(cookie, path)
    } catch {
      return false // not ours to open any more
    }
  }

  function detach(cookie: bigint): void {
    for (const [key, held] of files) {
      if (held.cookie !== cookie) continue
      held.file.close()
      files.delete(key)
    }
    capture.detach(cookie)
  }

  /** A file that has a path keeps its probes while nobody uses it: the next `curl` would be missed (capture rule 7). */
  function removeUnreachable(used: ReadonlySet<bigint>): void {
    const gone = [...files.values()].filter(({ cookie, file }) => !used.has(cookie) && file.isUnlinked())
    for (const { cookie } of gone) {
      detach(cookie)
      targets.forgetAttachment(cookie)
      stats.add('attachments.removed', 'unlinked')
    }
    // Who still has it open (memfd_create) may map it again.
    if (gone.length > 0) capture.heedMappings()
  }

  return {
    lookAtEverything: () => lookAtEverything(targets),
    rescan: () => removeUnreachable(targets.rescan()),
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
      checks.close()
      for (const { file } of files.values()) file.close()
      files.clear()
    },
  }
}

function lookAtEverything(targets: Targets): void {
  for (const path of systemImages())
    targets.consider({ paths: [path], name: path, fileKey: `path:${path}`, inode: undefined })
  for (const pid of listPids()) targets.considerProcess(pid)
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
