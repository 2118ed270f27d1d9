// SPDX-License-Identifier: Apache-2.0
/**
 * Which files of which processes carry TLS plaintext, and whether each has its probes. In: mappings. Out: attachments through
 * the given function, and a report with a reason for every process that is blind. Once per real inode.
 * @module
 */
import { planAttach, unreadableLibrary, WANTED_FUNCTIONS, type PlannedFunction } from './attach.js'
import { listPids, openPaths, readLink, readMappings, readProcess } from './host.js'

/** What the addon says of an opened file. */
export interface InspectedImage {
  device: bigint
  inode: bigint
  isElf: boolean
  buildId: string
  functions: Record<string, number>
}

export interface AttachRequest {
  path: string
  device: bigint
  inode: bigint
  cookie: bigint
  functions: PlannedFunction[]
}

export interface TargetsSettings {
  inspect(path: string, names: readonly string[]): InspectedImage
  /** Undefined for `doctor`, which only looks. Throws when the kernel refuses. */
  attach: ((request: AttachRequest) => void) | undefined
}

/** `attachable`: would be hooked by a running sensor. `refused`: it is TLS, and we cannot read it. */
export type ImageState = 'attached' | 'attachable' | 'duplicate' | 'refused'

export interface Image {
  path: string
  buildId: string
  state: ImageState
  reason: string | undefined
  cookie: bigint
}

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
  /** Looks at one file through the first path that opens; true when it was (or had been) decided upon. */
  consider(paths: readonly string[], name: string, fileKey: string): boolean
  /** All executable mappings of one process. */
  considerProcess(pid: number): void
  /** Every process that maps a TLS image, from /proc as it is now. */
  report(): Target[]
  /** The attachment of `cookie` stands on an inode that has one already: it is not needed. */
  markDuplicate(cookie: bigint): void
  images(): Image[]
}

/** Decisions are kept for this many files; then the oldest are forgotten, and looked at again when met again. */
const MAX_FILES = 65_536

export function createTargets(settings: TargetsSettings): Targets {
  // By `major:minor:inode` of a mapping: null for "no TLS here".
  const decisions = new Map<string, Image | null>()
  // By (st_dev, st_ino) of the opened file: several mappings may lead to one.
  const byInode = new Map<string, Image | null>()
  let nextCookie = 1n

  function decide(path: string, name: string): Image | null {
    const found = settings.inspect(path, WANTED_FUNCTIONS)
    const key = `${found.device}:${found.inode}`
    const known = byInode.get(key)
    if (known !== undefined) return known
    const image = decideImage(path, name, found)
    remember(byInode, key, image)
    return image
  }

  function decideImage(path: string, name: string, found: InspectedImage): Image | null {
    const plan = planAttach(found)
    if (plan.action === 'ignore') return unreadable(name, found.buildId)
    const image: Image = {
      path: name,
      buildId: found.buildId,
      state: 'refused',
      reason: undefined,
      cookie: nextCookie++,
    }
    if (plan.action === 'refuse') return { ...image, reason: plan.reason }
    if (settings.attach === undefined) return { ...image, state: 'attachable' }
    try {
      const { device, inode } = found
      settings.attach({ path, device, inode, cookie: image.cookie, functions: plan.functions })
      return { ...image, state: 'attached' }
    } catch (error) {
      return { ...image, reason: `attach failed: ${(error as Error).message}` }
    }
  }

  function consider(paths: readonly string[], name: string, fileKey: string): boolean {
    if (decisions.has(fileKey)) return true
    for (const path of paths) {
      try {
        remember(decisions, fileKey, decide(path, name))
        return true
      } catch {
        continue // gone, or not ours to read: the next path, or the next process that maps it
      }
    }
    return false
  }

  function considerProcess(pid: number): void {
    for (const mapping of readMappings(pid) ?? [])
      consider(openPaths(pid, mapping), mapping.path, mapping.fileKey)
  }

  return {
    consider,
    considerProcess,
    report: () => report(considerProcess, decisions),
    markDuplicate(cookie) {
      for (const image of byInode.values())
        if (image?.cookie === cookie) {
          image.state = 'duplicate'
          image.reason = 'the same file is attached under another mount'
        }
    },
    images: () => [...byInode.values()].filter((image) => image !== null),
  }
}

function unreadable(name: string, buildId: string): Image | null {
  const library = unreadableLibrary(name)
  if (library === undefined) return null
  return { path: name, buildId, state: 'refused', reason: `${library} is not supported yet`, cookie: 0n }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= MAX_FILES) map.delete(map.keys().next().value!)
  map.set(key, value)
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
    for (const image of tls)
      out.push({
        pid,
        executable,
        comm: facts.comm,
        userId: facts.userId,
        library: image.path,
        state: image.state,
        reason: image.reason,
      })
  }
  return out
}
