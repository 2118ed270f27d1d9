// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** Units, replay and laws: no root, no BPF, no compiler, no network. Live tests have a configuration of their own. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['src/**/*.test.ts', 'test/*.test.ts'],
    testTimeout: 60_000,
  },
})
