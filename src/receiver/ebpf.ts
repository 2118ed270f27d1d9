// SPDX-License-Identifier: Apache-2.0
/**
 * The live receiver: the kernel's records into the pipeline. In: batches of the addon, /proc. Out: CaptureRecord to `next`, raw
 * bytes to a recording, `tick` once a second. Decides what to attach; knows no protocol.
 * @module
 */
import { readFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import type { Consumer } from '../consumer.js'
import { SensorError } from '../errors.js'
import type { Stats } from '../stats.js'
import { loadAddon, type Addon, type KernelCounters, type NativeCapture } from './addon.js'
import { decodeBatch, LOSS_REASONS, type MappingRecord } from './decode.js'
import { encodeLostRecord, encodeProcessRecord } from './encode.js'
import { neededCapabilities } from './capabilities.js'
import { listPids, openPaths, readProcess } from './host.js'
import { CAPTURE_VERSION } from './layout.js'
import type { RecordingHeader, RecordingWriter } from './recording.js'
import { systemImages } from './system-images.js'
import { createTargets, type Target, type Targets } from './targets.js'
import type { CaptureRecord, ProcessId } from './types.js'

export const DEFAULT_RING_BYTES = 32 * 1024 * 1024
const TICK_MS = 1000
/** The kernel wakes the poller when this much waits, or a quarter of a small ring. */
const WAKEUP_BYTES = 256 * 1024
/** /proc/PID/stat counts in USER_HZ, 100 a second on every architecture we know. */
const TICK_NS = 10_000_000n

export interface LiveSettings {
  stats: Stats
  ringBytes?: number
  /** Gets every batch before the pipeline does. */
  recording?: RecordingWriter | undefined
  /** A bug of ours or a full disk while consuming a batch: the receiver has counted it and goes on. */
  onError(error: unknown): void
}

export interface LiveReceiver {
  /** Attaches what is there, emits the facts of running processes, begins to deliver. */
  start(): void
  targets(): Target[]
  /** Paths of the files that have probes, used by a process or not. */
  attachedFiles(): string[]
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
  const targets = createTargets({
    inspect: (path, names) => addon.inspectElf(path, names),
    attach: (request) => capture.attach(request),
  })
  const decode = { boottimeToUnixNano: header.boottimeToUnixNano }
  const losses = LOSS_REASONS.map(() => ({ records: 0, bytes: 0 }))
  let ticker: NodeJS.Timeout | undefined
  let ticked = 0n

  const boottimeNs = (): bigint => BigInt(Date.now()) * 1_000_000n - header.boottimeToUnixNano

  /** One door for kernel batches and for the records made here, so that a recording has them in the same order. */
  function receive(batch: Uint8Array): void {
    settings.recording?.write(batch)
    const understood = decodeBatch(batch, decode, (record) => {
      if (record.kind === 'mapping') onMapping(record, capture, targets)
      else if (record.kind === 'duplicate') {
        targets.markDuplicate(record.duplicateCookie)
        capture.detach(record.duplicateCookie)
      } else consumeOne(record)
    })
    if (understood < batch.length) settings.stats.add('records.dropped', 'undecodable')
  }

  /** A bug in a room costs one record, not the capture. */
  const consumeOne = (record: CaptureRecord): void => guarded(() => next.consume(record))

  function guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      settings.stats.add('records.dropped', 'internal_error')
      settings.onError(error)
    }
  }

  function tick(): void {
    const now = BigInt(Date.now()) * 1_000_000n
    if (now > ticked) ticked = now
    guarded(() => next.tick(ticked))
  }

  function emitLosses(): void {
    capture.stats().losses.forEach((loss, reason) => {
      const known = losses[reason]!
      if (loss.records === known.records) return
      receive(encodeLostRecord(reason, loss.records - known.records, loss.bytes - known.bytes, boottimeNs()))
      losses[reason] = loss
    })
  }

  return {
    start() {
      for (const path of systemImages()) targets.consider([path], path, `path:${path}`)
      for (const pid of listPids()) targets.considerProcess(pid)
      for (const record of runningProcesses(capture)) receive(encodeProcessRecord(record, boottimeNs()))
      capture.start((batch) => {
        guarded(() => receive(batch)) // a full disk under the recording, too
        tick()
      })
      ticker = setInterval(() => {
        emitLosses()
        tick()
      }, TICK_MS)
    },
    targets: () => targets.report(),
    attachedFiles: () =>
      targets
        .images()
        .filter(({ state }) => state === 'attached')
        .map(({ path }) => path),
    stats: () => capture.stats(),
    async close() {
      clearInterval(ticker)
      emitLosses()
      await capture.close()
      next.end()
    },
  }
}

/** A file nobody had mapped before, or (inode 0) the kernel lost some announcements and everything must be looked at. */
function onMapping(record: MappingRecord, capture: NativeCapture, targets: Targets): void {
  if (record.inode === 0n) {
    for (const pid of listPids()) targets.considerProcess(pid)
    return
  }
  const range = `${record.address.toString(16)}-${(record.address + record.length).toString(16)}`
  const fileKey = `${record.deviceMajor}:${record.deviceMinor}:${record.inode}`
  if (targets.consider(openPaths(record.pid, { range, path: record.path }), record.path, fileKey))
    capture.ignoreMapping(record.deviceMajor, record.deviceMinor, record.inode, record.inodeGeneration)
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
