// SPDX-License-Identifier: Apache-2.0
/**
 * One decision per real file: has it TLS functions, and do probes stand in it. In: a path that opens the file. Out: attachments
 * through the given function. Knows no process and no mapping; the same file may be met under many paths and mounts.
 * @module
 */
import { planAttach, unreadableLibrary, WANTED_FUNCTIONS, type PlannedFunction } from './attach.js'
import { identifyFile, type FileIdentity } from './host.js'

/** What the addon says of an opened file. */
export interface InspectedImage extends FileIdentity {
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

export interface ImagesSettings {
  inspect(path: string, names: readonly string[]): InspectedImage
  /** Undefined for `doctor`, which only looks. Throws when the kernel refuses. */
  attach: ((request: AttachRequest) => void) | undefined
  /** Which file a path leads to, at the price of one stat(2). Throws when it leads nowhere. */
  identify?(path: string): FileIdentity
  /** Files that may have probes at one time; the next one is refused until one of them goes. */
  maxAttachments?: number
  /** A file was refused because there are that many. */
  onLimit?(): void
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

export interface Images {
  /**
   * The decision about the file behind `path`; null for "no TLS here". Opens the file only when it is new or was written. Throws
   * when it cannot, or when `inode` is given and another file stands there.
   */
  decide(path: string, name: string, inode: bigint | undefined): Image | null
  /** The attachment of `cookie` has gone: its file was written, or nobody can reach it any more. */
  forgetAttachment(cookie: bigint): void
  /** The attachment of `cookie` stands on an inode that has one already: it is not needed. */
  markDuplicate(cookie: bigint): void
  list(): Image[]
}

interface Decision {
  image: Image | null
  /** Undefined: the file was being written when we looked, so its time proves nothing. */
  changedNs: bigint | undefined
  /** Refused only because others were first. */
  isOverLimit: boolean
}

/** Decisions are kept for this many files; then the oldest are forgotten, and looked at again when met again. */
const MAX_FILES = 65_536
/**
 * Whoever can map a file can name functions in it SSL_read and SSL_write, and each file costs some twenty links. A host with all
 * its containers has some dozens of such files.
 */
export const DEFAULT_MAX_ATTACHMENTS = 512
/** File times move with the kernel's tick (up to 10 ms): two writes within one cannot be told apart. */
const SETTLED_NS = 1_000_000_000n

export function createImages(settings: ImagesSettings): Images {
  const { inspect, identify = identifyFile, maxAttachments = DEFAULT_MAX_ATTACHMENTS } = settings
  // Both by (st_dev, st_ino) of the opened file: what maps says differs from it on overlay and btrfs.
  const attached = new Map<string, Decision>()
  const others = new Map<string, Decision>()
  let nextCookie = 1n

  /** Who watches an attached file says when it must go (forgetAttachment); chmod and link move its time as well. */
  function current(found: FileIdentity): Decision | undefined {
    const key = keyOf(found)
    const known = others.get(key)
    if (known?.isOverLimit && attached.size < maxAttachments) return undefined
    return attached.get(key) ?? (known?.changedNs === found.changedNs ? known : undefined)
  }

  function decideNew(path: string, name: string, found: InspectedImage): Image | null {
    const isOverLimit = attached.size >= maxAttachments && planAttach(found).action === 'attach'
    const image = decideImage(path, name, found, nextCookie++, isOverLimit ? undefined : settings.attach)
    if (isOverLimit && image !== null) {
      image.state = 'refused'
      image.reason = `limit of ${maxAttachments} attached files reached`
      settings.onLimit?.()
    }
    const isSettled = BigInt(Date.now()) * 1_000_000n - found.changedNs > SETTLED_NS
    const decision = { image, changedNs: isSettled ? found.changedNs : undefined, isOverLimit }
    others.delete(keyOf(found))
    if (image?.state === 'attached') attached.set(keyOf(found), decision)
    else remember(others, keyOf(found), decision)
    return image
  }

  return {
    decide(path, name, inode) {
      const seen = identify(path)
      if (inode !== undefined && seen.inode !== inode) throw new Error('another file stands in its place')
      const known = current(seen)
      if (known !== undefined) return known.image
      const found = inspect(path, WANTED_FUNCTIONS)
      if (inode !== undefined && found.inode !== inode) throw new Error('another file stands in its place')
      return decideNew(path, name, found)
    },
    forgetAttachment(cookie) {
      for (const [key, { image }] of attached) if (image?.cookie === cookie) attached.delete(key)
    },
    markDuplicate(cookie) {
      for (const [key, decision] of attached) {
        if (decision.image?.cookie !== cookie) continue
        decision.image.state = 'duplicate'
        decision.image.reason = 'the same file is attached under another mount'
        attached.delete(key)
        remember(others, key, decision)
      }
    },
    list: () =>
      [...attached.values(), ...others.values()].flatMap(({ image }) => (image === null ? [] : [image])),
  }
}

function decideImage(
  path: string,
  name: string,
  found: InspectedImage,
  cookie: bigint,
  attach: ImagesSettings['attach'],
): Image | null {
  const plan = planAttach(found)
  const image: Image = {
    path: name,
    buildId: found.buildId,
    state: 'refused',
    reason: undefined,
    cookie,
    probeOffset: plan.action === 'attach' ? plan.functions[0]?.offset : undefined,
  }
  if (plan.action === 'ignore') {
    const library = unreadableLibrary(name)
    return library === undefined ? null : { ...image, reason: `${library} is not supported yet` }
  }
  if (plan.action === 'refuse') return { ...image, reason: plan.reason }
  if (attach === undefined) return { ...image, state: 'attachable' }
  try {
    attach({ path, device: found.device, inode: found.inode, cookie, functions: plan.functions })
    return { ...image, state: 'attached' }
  } catch (error) {
    return { ...image, reason: `attach failed: ${(error as Error).message}` }
  }
}

const keyOf = ({ device, inode }: FileIdentity): string => `${device}:${inode}`

/** `Map.set` that forgets the oldest element when there are too many. */
export function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= MAX_FILES) map.delete(map.keys().next().value!)
  map.set(key, value)
}
