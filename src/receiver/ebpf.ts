// SPDX-License-Identifier: Apache-2.0
/**
 * The live receiver: the kernel's records into the pipeline. In: batches of the addon, /proc. Out: CaptureRecord to `next`, raw
 * bytes to a recording, `tick` once a second. Decides what to attach; knows no protocol.
 * @module
 */
import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { arch, release } from 'node:os'
import type { Consumer } from '../consumer.js'
import { SensorError } from '../errors.js'
import type { Stats } from '../stats.js'
import { loadAddon, type Addon, type KernelCounters, type NativeCapture } from './addon.js'
import { decodeBatch, LOSS_REASONS, type DecodedRecord, type MappingRecord } from './decode.js'
import { encodeLostRecord, encodeProcessRecord } from './encode.js'
import { neededCapabilities } from './capabilities.js'
import { listPids, openPaths, readProcess } from './host.js'
import { CAPTURE_VERSION } from './layout.js'
import type { RecordingHeader, RecordingWriter } from './recording.js'
import { systemImages } from './system-images.js'
import { createTargets, type AttachRequest, type Target, type Targets } from './targets.js'
import type { CaptureRecord, ProcessId } from './types.js'

export const DEFAULT_RING_BYTES = 32 * 1024 * 1024
const TICK_MS = 1000
/** Everything is looked at again this often: for CPUs that came online, files written in place, announcements missed. */
const RESCAN_MS = 60_000
/** The kernel wakes the poller when this much waits, or a quarter of a small ring. */
const WAKEUP_BYTES = 256 * 1024
/** /proc/PID/stat counts in USER_HZ, 100 a second on every architecture we know. */
const TICK_NS = 10_000_000n

export interface LiveSettings {
  stats: Stats
  ringBytes?: number
  /** Gets every batch before the pipeline does. */
  recording?: RecordingWriter | undefined
  /** A bug of ours: the receiver has counted it and goes on. */
  onError(error: unknown): void
  /** The recording has ended early; the capture is of no more use to who wanted it. */
  onRecordingFailed?(error: unknown): void
}

export interface LiveReceiver {
  /** Attaches what is there, emits the facts of running processes, begins to deliver. */
  start(): void
  targets(): Target[]
  /** Paths of the files that have probes, used by a process or not. */
  attachedFiles(): string[]
  /** After `close`, as they stood at the end. */
  stats(): KernelCounters
  /** Detaches, delivers what is left, ends the pipeline. */
  close(): Promise<void>
}

/** Facts that a recording of this host begins with; the pipeline needs them as well. Throws SensorError. */
export function readHostHeader(writer: string): RecordingHeader {
  return {
    captureVersion: CAPTURE_VERSION,
    architecture: arch(),
    boottimeToUnixNano: loadAddon().clockOffset(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    writer,
    kernelRelease: release(),
  }
}

/** Loads the BPF programs. Throws SensorError (exit code 3) when the kernel refuses. */
export function openLiveReceiver(
  settings: LiveSettings,
  header: RecordingHeader,
  next: Consumer<CaptureRecord>,
): LiveReceiver {
  const addon = loadAddon()
  const ringBytes = settings.ringBytes ?? DEFAULT_RING_BYTES
  const capture = new addon.Capture({ ringBytes, wakeupBytes: Math.min(WAKEUP_BYTES, ringBytes / 4) })
  try {
    capture.load()
  } catch (error) {
    throw new SensorError({
      code: 'ERR_RECEIVER_LOAD',
      message: `the kernel refused the BPF programs: ${(error as Error).message}`,
      hint: 'run `oisp-sensor doctor` to see what is missing',
      exitCode: 3,
      cause: error,
    })
  }
  const unreached = addon.hardenProcess(neededCapabilities(addon.hasUprobeMulti))
  if (unreached > 0) settings.stats.add('threads.missed', 'harden', unreached)
  return createLiveReceiver(settings, header, next, addon, capture)
}

function createLiveReceiver(
  settings: LiveSettings,
  header: RecordingHeader,
  next: Consumer<CaptureRecord>,
  addon: Addon,
  capture: NativeCapture,
): LiveReceiver {
  const watchers = new Map<bigint, FSWatcher>()
  const targets = createTargets({
    inspect: (path, names) => addon.inspectElf(path, names),
    attach(request) {
      capture.attach(request)
      watchFile(request)
    },
  })
  const decode = { boottimeToUnixNano: header.boottimeToUnixNano }
  const losses = LOSS_REASONS.map(() => ({ records: 0, bytes: 0 }))
  let ticker: NodeJS.Timeout | undefined
  let rescanner: NodeJS.Timeout | undefined
  let isRecordingBroken = false
  let last: KernelCounters | undefined

  /**
   * Probes stand on an inode at fixed places. When the file is written in place (`cp new old`), they would go into the middle of
   * the new code: take them away and decide anew.
   */
  function watchFile({ path, cookie }: AttachRequest): void {
    try {
      const watcher = watch(path, { persistent: false }, (event) => {
        if (event === 'change') guarded(() => renew(cookie))
      })
      watcher.on('error', () => watcher.close())
      watchers.set(cookie, watcher)
    } catch {
      settings.stats.add('watches.failed', 'inotify') // the user's limit of watches; the probes are in place all the same
    }
  }

  function renew(cookie: bigint): void {
    detach(cookie)
    targets.forgetAttachment(cookie)
    capture.heedMappings()
    settings.stats.add('attachments.renewed', 'file_changed')
    lookAtEverything()
  }

  function detach(cookie: bigint): void {
    watchers.get(cookie)?.close()
    watchers.delete(cookie)
    capture.detach(cookie)
  }

  function lookAtEverything(): void {
    for (const path of systemImages())
      targets.consider({ paths: [path], name: path, fileKey: `path:${path}`, inode: undefined })
    for (const pid of listPids()) targets.considerProcess(pid)
  }

  function record(batch: Uint8Array): void {
    if (settings.recording === undefined || isRecordingBroken) return
    try {
      settings.recording.write(batch)
    } catch (error) {
      isRecordingBroken = true
      settings.onRecordingFailed?.(error)
    }
  }

  /** One door for kernel batches and for the records made here, so that a recording has them in the same order. */
  function receive(batch: Uint8Array): void {
    record(batch)
    const understood = decodeBatch(batch, decode, (item) => guarded(() => dispatch(item)))
    if (understood < batch.length) settings.stats.add('records.dropped', 'undecodable')
  }

  function dispatch(item: DecodedRecord): void {
    if (item.kind === 'mapping')
      return item.inode === 0n ? lookAtEverything() : onMapping(item, capture, targets)
    if (item.kind !== 'duplicate') return next.consume(item)
    targets.markDuplicate(item.duplicateCookie)
    detach(item.duplicateCookie)
  }

  /** A bug costs one record, not the capture. */
  function guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      settings.stats.add('records.dropped', 'internal_error')
      settings.onError(error)
    }
  }

  /** By the clock of the records: the wall clock may jump. */
  const tick = (): void => guarded(() => next.tick(addon.boottime() + header.boottimeToUnixNano))

  function emitLosses(counters: KernelCounters): void {
    counters.losses.forEach((loss, reason) => {
      const known = losses[reason]!
      if (loss.records === known.records) return
      const { records, bytes } = known
      losses[reason] = loss
      receive(encodeLostRecord(reason, loss.records - records, loss.bytes - bytes, addon.boottime()))
    })
  }

  return {
    start() {
      lookAtEverything()
      for (const facts of runningProcesses(capture)) receive(encodeProcessRecord(facts, addon.boottime()))
      capture.start((batch) => {
        guarded(() => receive(batch))
        tick()
      })
      ticker = setInterval(() => {
        guarded(() => emitLosses(capture.stats()))
        tick()
      }, TICK_MS)
      rescanner = setInterval(() => guarded(() => targets.rescan()), RESCAN_MS)
    },
    targets: () => targets.report(),
    attachedFiles: () =>
      targets
        .images()
        .filter(({ state }) => state === 'attached')
        .map(({ path }) => path),
    stats: () => last ?? capture.stats(),
    async close() {
      clearInterval(ticker)
      clearInterval(rescanner)
      for (const watcher of watchers.values()) watcher.close()
      const counters = await capture.close()
      last = counters
      if (counters !== undefined) guarded(() => emitLosses(counters))
      next.end()
    },
  }
}

/** A file that no earlier announcement told us of. Its inode number may have served another file before. */
function onMapping(record: MappingRecord, capture: NativeCapture, targets: Targets): void {
  const { deviceMajor, deviceMinor, inode, inodeGeneration, path: name } = record
  const range = `${record.address.toString(16)}-${(record.address + record.length).toString(16)}`
  const fileKey = `${deviceMajor}:${deviceMinor}:${inode}`
  targets.forget(fileKey)
  if (targets.consider({ paths: openPaths(record.pid, { range, path: name }), name, fileKey, inode }))
    capture.ignoreMapping(deviceMajor, deviceMinor, inode, inodeGeneration)
}

/** Facts of what runs already. The exact start comes from the kernel; /proc must agree, or the pid was reused between. */
function* runningProcesses(capture: NativeCapture) {
  for (const [pid, startBoottimeNs] of capture.processes()) {
    const facts = readProcess(pid)
    if (facts === undefined || facts.startTicks !== startBoottimeNs / TICK_NS) continue
    const process: ProcessId = { pid, startBoottimeNs }
    yield { ...facts, process }
  }
}
