// SPDX-License-Identifier: Apache-2.0
/**
 * Which processes carry TLS plaintext through which files. In: mappings. Out: a decision for each mapped file, made once, and a
 * report with a reason for every process that is blind.
 * @module
 */
import { hasProbe, listPids, openPaths, readLink, readMappings, readProcess } from './host.js'
import { createImages, remember, type Image, type ImagesSettings, type ImageState } from './images.js'

export interface Target {
  pid: number
  executable: string
  comm: string
  userId: number
  /** Path of the file with the TLS functions, as the process names it. */
  library: string
  state: ImageState
  reason: string | undefined
}

export interface Targets {
  /** Looks at one file through the first path that opens it; true when it was (or had been) decided upon. */
  consider(file: CandidateFile): boolean
  /** As if it had never been seen: its inode number serves a new file, or it was written. */
  forget(fileKey: string): void
  /** The attachment of `cookie` has gone. */
  forgetAttachment(cookie: bigint): void
  /** The same, and decides anew about its file, which `path` leads to; true when that is attached again. */
  renew(cookie: bigint, path: string): boolean
  /** All executable mappings of one process. */
  considerProcess(pid: number): void
  /**
   * All processes; returns the cookies of what they map. Costs one stat for every mapped file that has no probes, and opens it if
   * it was written in place.
   */
  rescan(): ReadonlySet<bigint>
  /** Every process that maps a TLS image, from /proc as it is now. */
  report(): Target[]
  /** The attachment of `cookie` stands on an inode that has one already: it is not needed. */
  markDuplicate(cookie: bigint): void
  images(): Image[]
}

/** A file as a mapping names it. */
export interface CandidateFile {
  /** Best first; only what leads to `inode` is believed, because a process can put another file in the path's place. */
  paths: readonly string[]
  name: string
  fileKey: string
  /** Undefined for a path that we chose ourselves. */
  inode: bigint | undefined
}

export function createTargets(settings: ImagesSettings): Targets {
  const images = createImages(settings)
  // By `major:minor:inode` of a mapping: null for "no TLS here". Several of them may lead to one file.
  const decisions = new Map<string, Image | null>()

  function consider({ paths, name, fileKey, inode }: CandidateFile): boolean {
    if (decisions.has(fileKey)) return true
    for (const path of paths) {
      try {
        remember(decisions, fileKey, images.decide(path, name, inode))
        return true
      } catch {
        continue // gone, or not ours to read: the next path, or the next process that maps it
      }
    }
    return false
  }

  function considerProcess(pid: number, used?: Set<bigint>): void {
    for (const mapping of readMappings(pid) ?? []) {
      const { path: name, fileKey, inode } = mapping
      consider({ paths: openPaths(pid, mapping), name, fileKey, inode })
      const image = decisions.get(fileKey)
      if (image !== null && image !== undefined) used?.add(image.cookie)
    }
  }

  /** The keys that led to the image of `cookie`, without it from now on. */
  function forgetImage(cookie: bigint): string[] {
    images.forgetAttachment(cookie)
    const keys = [...decisions].filter(([, image]) => image?.cookie === cookie).map(([key]) => key)
    for (const key of keys) decisions.delete(key)
    return keys
  }

  return {
    consider,
    considerProcess: (pid) => considerProcess(pid),
    report: () => report(considerProcess, decisions),
    rescan() {
      for (const [key, image] of decisions) if (image?.state !== 'attached') decisions.delete(key)
      const used = new Set<bigint>()
      for (const pid of listPids()) considerProcess(pid, used)
      return used
    },
    forget: (fileKey) => void decisions.delete(fileKey),
    forgetAttachment: (cookie) => void forgetImage(cookie),
    renew(cookie, path) {
      const name = images.list().find((image) => image.cookie === cookie)?.path ?? path
      const keys = forgetImage(cookie)
      const image = images.decide(path, name, undefined)
      for (const key of keys) remember(decisions, key, image)
      return image?.state === 'attached'
    },
    markDuplicate: (cookie) => images.markDuplicate(cookie),
    images: () => images.list(),
  }
}

function report(
  considerProcess: (pid: number) => void,
  decisions: ReadonlyMap<string, Image | null>,
): Target[] {
  const out: Target[] = []
  for (const pid of listPids()) {
    const mappings = readMappings(pid)
    if (mappings === undefined || mappings.length === 0) continue
    considerProcess(pid)
    const images = new Set(mappings.map(({ fileKey }) => decisions.get(fileKey)))
    const tls = [...images].filter((image) => image !== null && image !== undefined)
    if (tls.length === 0) continue
    const facts = readProcess(pid)
    if (facts === undefined) continue
    const executable = readLink(`/proc/${pid}/exe`) ?? facts.comm
    for (const image of tls) {
      const { path: library, reason, probeOffset } = image
      const isProbed =
        image.state === 'attachable' &&
        probeOffset !== undefined &&
        mappings.some(
          (mapping) => decisions.get(mapping.fileKey) === image && hasProbe(pid, mapping, probeOffset),
        )
      const state = isProbed ? 'attached' : image.state
      out.push({ pid, executable, comm: facts.comm, userId: facts.userId, library, state, reason })
    }
  }
  return out
}
