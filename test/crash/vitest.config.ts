// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** The sensor's end at the worst moments; needs a built checkout. One file at a time: what is measured is a race against a kill. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/crash/*.crash.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
})
