// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:native`: the addon's tests on the release build and on the AddressSanitizer build. Without BPF only the tests that
 * need none run. Arguments go to vitest.
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const effective = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]}`)
const has = (bit) => ((effective >> BigInt(bit)) & 1n) === 1n
const mayLoad = has(21) || (has(38) && has(39)) // CAP_SYS_ADMIN, or CAP_PERFMON and CAP_BPF
if (!mayLoad && process.env.LIVE_REQUIRED === '1') {
  console.error('LIVE_REQUIRED=1, but this process may not load BPF programs')
  process.exit(1)
}

function run(name, environment) {
  console.log(
    `native tests on the ${name} build${mayLoad ? '' : ' (without BPF: capture.live.test.ts skipped)'}`,
  )
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      join(import.meta.dirname, 'vitest.config.ts'),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, OISP_LIVE: mayLoad ? 'yes' : 'no', ...environment },
    },
  )
  return status === 0
}

execFileSync('make', ['-s', '-C', join(root, 'native'), 'DEBUG=1'], { stdio: 'inherit' })
const sanitizer = execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
const isOk = [
  run('release', {}),
  // Node itself never frees everything: leaks are what the descriptor test looks for.
  run('AddressSanitizer', {
    OISP_ADDON_BUILD: 'debug',
    LD_PRELOAD: sanitizer,
    ASAN_OPTIONS: 'detect_leaks=0',
  }),
]
process.exit(isOk.every(Boolean) ? 0 : 1)
