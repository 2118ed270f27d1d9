// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** The real sensor on the real kernel: needs root, BTF and a built checkout. One file at a time: the machine is shared. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/live/*.live.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
