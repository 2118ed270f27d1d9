// SPDX-License-Identifier: Apache-2.0
/**
 * The native boundary: the only place that loads the `.node` file. In: nothing. Out: its typed face (native/addon.cpp).
 * @module
 */
import { createRequire } from 'node:module'
import { SensorError } from '../errors.js'
import type { AttachRequest, InspectedImage } from './images.js'

export interface KernelCounters {
  transfers: number
  bytes: number
  calls: number
  duplicateCalls: number
  orphanReturns: number
  /** By value of enum loss_reason. */
  losses: { records: number; bytes: number }[]
}

/** One loaded set of BPF programs. See native/capture.hpp for what each call needs before it. */
export interface NativeCapture {
  load(): void
  start(onBatch: (batch: Buffer) => void): void
  attach(request: AttachRequest): number
  detach(cookie: bigint): void
  ignoreMapping(major: number, minor: number, inode: bigint, generation: bigint): void
  /** Every file is announced once more when it is mapped next. */
  heedMappings(): void
  /** `ownPid`: in our own pid namespace, as /proc counts; 0: not in it. */
  processes(): [pid: number, startBoottimeNs: bigint, ownPid: number][]
  stats(): KernelCounters
  /** The last counters; undefined when nothing had been started. */
  close(): Promise<KernelCounters | undefined>
}

export interface Addon {
  Capture: new (options: { ringBytes: number; wakeupBytes: number }) => NativeCapture
  inspectElf(path: string, names: readonly string[]): InspectedImage
  /** CLOCK_BOOTTIME, ns: the clock of all records. */
  boottime(): bigint
  /** CLOCK_REALTIME minus CLOCK_BOOTTIME, ns. */
  clockOffset(): bigint
  /** uprobe_multi links (kernel 6.6): attaching then needs no CAP_SYS_ADMIN. */
  hasUprobeMulti: boolean
  /** Keeps only these capabilities (by number) on every thread; returns the threads that could not be reached. */
  hardenProcess(keep: readonly number[]): number
}

/** Throws SensorError when the addon has not been built. */
export function loadAddon(): Addon {
  // The debug build (assertions, AddressSanitizer) of `make -C native DEBUG=1`; a free path here would be a way in.
  const folder = process.env['OISP_ADDON_BUILD'] === 'debug' ? '.output/debug' : '.output'
  const path = new URL(`../../native/${folder}/oisp_sensor.node`, import.meta.url).pathname
  try {
    return createRequire(import.meta.url)(path) as Addon
  } catch (error) {
    throw new SensorError({
      code: 'ERR_RECEIVER_ADDON',
      message: `the native addon cannot be loaded: ${(error as Error).message.split('\n')[0]}`,
      hint: 'build it: `npm start` does, or `npm run build` where clang, bpftool, libbpf-dev and g++ are installed',
      cause: error,
    })
  }
}
