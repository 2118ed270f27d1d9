// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** Every setting from every place, with its effect seen on the wire. No root, no BPF, no network beyond this machine. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/config/*.test.ts'],
    testTimeout: 60_000,
  },
})
