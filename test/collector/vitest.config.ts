// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** The sensor against the real Collector. One file at a time: both are to have the machine's two cores. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/collector/*.test.ts'],
    globalSetup: 'test/collector/setup.ts',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
