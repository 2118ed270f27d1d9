// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** Tests of the built addon; `npm run test:native` runs them on the release build and on the AddressSanitizer build. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: process.env['OISP_LIVE'] === 'no' ? ['*.test.ts'] : ['*.test.ts', '*.live.test.ts'],
    exclude: process.env['OISP_LIVE'] === 'no' ? ['*.live.test.ts'] : [],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 60_000,
  },
})
