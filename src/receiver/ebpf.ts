// SPDX-License-Identifier: Apache-2.0
/**
 * The live receiver: the kernel's records into the pipeline. In: batches of the addon, /proc. Out: CaptureRecord to `next`, raw
 * bytes to a recording, `tick` once a second. Knows no protocol.
 * @module
 */
import { readFileSync } from 'node:fs'
import { arch, hostname, release } from 'node:os'
import type { Consumer } from '../consumer.js'
import { SensorError } from '../errors.js'
import type { Stats } from '../stats.js'
import { loadAddon, type Addon, type KernelCounters, type NativeCapture } from './addon.js'
import { createAttachments } from './attachments.js'
import { decodeBatch, LOSS_REASONS, type DecodedRecord } from './decode.js'
import { encodeLostRecord, encodeProcessRecord } from './encode.js'
import { neededCapabilities } from './capabilities.js'
import { readProcess } from './host.js'
import { CAPTURE_VERSION } from './layout.js'
import type { RecordingHeader, RecordingWriter } from './recording.js'
import type { Target } from './targets.js'
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
  /** The probes of a file that was written have gone; calls until the new ones stand are not seen. */
  onRenew?: ((path: string) => void) | undefined
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
    hostName: hostname(),
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
  const { stats, onRenew } = settings
  const guard = createGuard(settings)
  const timers: NodeJS.Timeout[] = []
  let last: KernelCounters | undefined
  const attachments = createAttachments({ stats, addon, capture, guard, onRenew })
  const receive = createDoor(settings, header, (item) =>
    guard(() => {
      if (item.kind === 'mapping') attachments.onMapping(item)
      else if (item.kind === 'duplicate') attachments.onDuplicate(item)
      else next.consume(item)
    }),
  )
  const now = (): bigint => addon.boottime()
  const emitLosses = createLossReport(receive, now)
  /** By the clock of the records: the wall clock may jump. */
  const tick = (): void => guard(() => next.tick(now() + header.boottimeToUnixNano))
  const every = (ms: number, action: () => void): void => void timers.push(setInterval(action, ms))

  return {
    start() {
      attachments.lookAtEverything()
      for (const facts of runningProcesses(capture)) receive(encodeProcessRecord(facts, now()))
      capture.start((batch) => {
        guard(() => receive(batch))
        tick()
      })
      every(TICK_MS, () => {
        guard(() => emitLosses(capture.stats()))
        tick()
      })
      every(RESCAN_MS, () => guard(() => attachments.rescan()))
    },
    targets: () => attachments.targets(),
    attachedFiles: () => attachments.attachedFiles(),
    stats: () => last ?? capture.stats(),
    async close() {
      for (const timer of timers) clearInterval(timer)
      attachments.close()
      const counters = (last = await capture.close())
      if (counters !== undefined) guard(() => emitLosses(counters))
      next.end()
    },
  }
}

/** A bug costs one record, not the capture. */
function createGuard({ stats, onError }: LiveSettings): (action: () => void) => void {
  return (action) => {
    try {
      action()
    } catch (error) {
      stats.add('records.dropped', 'internal_error')
      onError(error)
    }
  }
}

/** One door for kernel batches and for the records made here, so that a recording has them in the same order. */
function createDoor(
  { stats, recording, onRecordingFailed }: LiveSettings,
  { boottimeToUnixNano }: RecordingHeader,
  dispatch: (item: DecodedRecord) => void,
): (batch: Uint8Array) => void {
  let isRecordingBroken = false

  function record(batch: Uint8Array): void {
    if (recording === undefined || isRecordingBroken) return
    try {
      recording.write(batch)
    } catch (error) {
      isRecordingBroken = true
      onRecordingFailed?.(error)
    }
  }

  return (batch) => {
    record(batch)
    const understood = decodeBatch(batch, { boottimeToUnixNano }, dispatch)
    if (understood < batch.length) stats.add('records.dropped', 'undecodable')
  }
}

/** Turns the kernel's counters, which only grow, into one record for what was lost since the last call, by reason. */
function createLossReport(
  receive: (record: Uint8Array) => void,
  now: () => bigint,
): (counters: KernelCounters) => void {
  const losses = LOSS_REASONS.map(() => ({ records: 0, bytes: 0 }))
  return (counters) =>
    counters.losses.forEach((loss, reason) => {
      const { records, bytes } = losses[reason]!
      if (loss.records === records) return
      losses[reason] = loss
      receive(encodeLostRecord(reason, loss.records - records, loss.bytes - bytes, now()))
    })
}

/** Facts of what runs already. The exact start comes from the kernel; /proc must agree, or the pid was reused between. */
function* runningProcesses(capture: NativeCapture) {
  const processes = capture.processes()
  const pidOf = new Map(processes.map(([pid, , ownPid]) => [ownPid, pid]))
  for (const [pid, startBoottimeNs, ownPid] of processes) {
    const facts = readProcess(ownPid)
    if (facts === undefined || facts.startTicks !== startBoottimeNs / TICK_NS) continue
    const process: ProcessId = { pid, startBoottimeNs }
    yield { ...facts, parentPid: pidOf.get(facts.parentPid) ?? 0, process }
  }
}
