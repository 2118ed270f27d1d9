// SPDX-License-Identifier: Apache-2.0
/**
 * Which files of which processes carry TLS plaintext, and whether each has its probes. In: mappings. Out: attachments through
 * the given function, and a report with a reason for every process that is blind. Once per real inode.
 * @module
 */
import { planAttach, unreadableLibrary, WANTED_FUNCTIONS, type PlannedFunction } from './attach.js'
import { hasProbe, listPids, openPaths, readLink, readMappings, readProcess } from './host.js'

/** What the addon says of an opened file. */
export interface InspectedImage {
  device: bigint
  inode: bigint
  /** st_ctim, ns: moves whenever the file is written. */
  changedNs: bigint
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

/**
 * `attached`: probes stand in it, ours or (for `doctor`) anybody's. `attachable`: a running sensor would attach. `refused`: it is
 * TLS, and we cannot read it.
 */
export type ImageState = 'attached' | 'attachable' | 'duplicate' | 'refused'

export interface Image {
  path: string
  buildId: string
  state: ImageState
  reason: string | undefined
  cookie: bigint
  /** File offset of a function that gets a probe. */
  probeOffset: number | undefined
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
  /** Looks at one file through the first path that opens it; true when it was (or had been) decided upon. */
  consider(file: CandidateFile): boolean
  /** As if it had never been seen: its inode number serves a new file, or it was written. */
  forget(fileKey: string): void
  /** The file under the attachment of `cookie` was written: its functions stand elsewhere now. */
  forgetAttachment(cookie: bigint): void
  /** All executable mappings of one process. */
  considerProcess(pid: number): void
  /** All processes, and every file that is not attached is opened again: it may have been written in place. */
  rescan(): void
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

interface Decision {
  image: Image | null
  changedNs: bigint
}

/** Decisions are kept for this many files; then the oldest are forgotten, and looked at again when met again. */
const MAX_FILES = 65_536

export function createTargets(settings: TargetsSettings): Targets {
  // By `major:minor:inode` of a mapping: null for "no TLS here".
  const decisions = new Map<string, Image | null>()
  // By (st_dev, st_ino) of the opened file: several mappings may lead to one.
  const byInode = new Map<string, Decision>()
  let nextCookie = 1n

  function decide(path: string, name: string, inode: bigint | undefined): Image | null {
    const found = settings.inspect(path, WANTED_FUNCTIONS)
    if (inode !== undefined && found.inode !== inode) throw new Error('another file stands in its place')
    const key = `${found.device}:${found.inode}`
    const known = byInode.get(key)
    // An attached file that is written is told by forgetAttachment; chmod and link move its time as well.
    const isCurrent = known?.changedNs === found.changedNs || known?.image?.state === 'attached'
    if (known !== undefined && isCurrent) return known.image
    const image = decideImage(path, name, found)
    remember(byInode, key, { image, changedNs: found.changedNs })
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
      probeOffset: plan.action === 'attach' ? plan.functions[0]?.offset : undefined,
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

  function consider({ paths, name, fileKey, inode }: CandidateFile): boolean {
    if (decisions.has(fileKey)) return true
    for (const path of paths) {
      try {
        remember(decisions, fileKey, decide(path, name, inode))
        return true
      } catch {
        continue // gone, or not ours to read: the next path, or the next process that maps it
      }
    }
    return false
  }

  function considerProcess(pid: number): void {
    for (const mapping of readMappings(pid) ?? []) {
      const { path: name, fileKey, inode } = mapping
      consider({ paths: openPaths(pid, mapping), name, fileKey, inode })
    }
  }

  return {
    consider,
    considerProcess,
    report: () => report(considerProcess, decisions),
    rescan() {
      for (const [key, image] of decisions) if (image?.state !== 'attached') decisions.delete(key)
      for (const pid of listPids()) considerProcess(pid)
    },
    forget: (fileKey) => void decisions.delete(fileKey),
    forgetAttachment(cookie) {
      for (const [key, { image }] of byInode) if (image?.cookie === cookie) byInode.delete(key)
      for (const [key, image] of decisions) if (image?.cookie === cookie) decisions.delete(key)
    },
    markDuplicate(cookie) {
      for (const { image } of byInode.values())
        if (image?.cookie === cookie) {
          image.state = 'duplicate'
          image.reason = 'the same file is attached under another mount'
        }
    },
    images: () => [...byInode.values()].flatMap(({ image }) => (image === null ? [] : [image])),
  }
}

function unreadable(name: string, buildId: string): Image | null {
  const library = unreadableLibrary(name)
  if (library === undefined) return null
  return {
    path: name,
    buildId,
    state: 'refused',
    reason: `${library} is not supported yet`,
    cookie: 0n,
    probeOffset: undefined,
  }
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
