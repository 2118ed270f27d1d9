// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** The sensor against a real trace backend with a web page. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/backend/*.test.ts'],
    globalSetup: 'test/backend/setup.ts',
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
