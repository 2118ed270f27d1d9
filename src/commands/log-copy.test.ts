// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseConfig, type Config } from '../config/index.js'
import type { OperationalLog } from '../log.js'
import { createStats } from '../stats.js'
import { createLogCopy } from './log-copy.js'

const config = parseConfig({
  flags: { export: 'otlp', otlpEndpoint: 'http://c:4318' },
  env: {},
  userId: 1000,
  isTerminal: false,
})

/** As when a certificate is replaced: it was there when the configuration was read. */
const broken: Config = {
  ...config,
  destinations: config.destinations.map((destination) => ({
    ...destination,
    protocol: 'grpc',
    insecure: false,
    url: 'https://c:4317',
    tls: { caFile: '/nonexistent/ca.pem', certFile: undefined, keyFile: undefined },
  })),
}

describe('the log at its destination', () => {
  it('is copied again after a destination that was no good', async () => {
    let copy: Parameters<OperationalLog['copyTo']>[0]
    const ignore = (): void => {}
    const log = {
      error: ignore,
      warn: ignore,
      info: ignore,
      debug: ignore,
      copyTo: (next) => void (copy = next),
      local: { error: ignore, warn: ignore, info: ignore, debug: ignore },
    } as OperationalLog
    const resource = { attributes: {}, schemaUrl: '' }
    const exporter = {} as Parameters<typeof createLogCopy>[1]
    const logCopy = createLogCopy({ log, version: '0', resource, stats: createStats() }, exporter)
    await logCopy.switchTo(config)
    expect(copy).toBeDefined()
    await expect(logCopy.switchTo(broken)).rejects.toThrow('/nonexistent/ca.pem')
    expect(copy).toBeUndefined()
    await logCopy.switchTo(config)
    expect(copy).toBeDefined()
    await logCopy.shutdown(0)
  })
})
