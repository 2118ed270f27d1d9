// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createFingerprint, createKeys } from './keys.js'

const KEY = new Uint8Array(32).fill(7)

describe('keys', () => {
  it('have one purpose each: no two hashes of one value are alike', () => {
    const keys = createKeys(KEY)
    const secret = Buffer.from('sk-1')
    const hashes = [
      createFingerprint(KEY)(secret),
      keys.hashValue('sk-1').slice('hmac:'.length),
      keys.startContent().update(secret).digest('hex').slice(0, 32),
      createHmac('sha256', KEY).update(secret).digest('hex').slice(0, 32),
    ]
    expect(new Set(hashes).size).toBe(4)
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{32}$/)
  })

  it('are named by an id that differs from key to key', () => {
    expect(createKeys(KEY).id).toMatch(/^[0-9a-f]{16}$/)
    expect(createKeys(KEY).id).not.toBe(createKeys(new Uint8Array(32).fill(8)).id)
  })

  it('refuse a short key', () => {
    for (const create of [createKeys, createFingerprint])
      expect(() => create(new Uint8Array(15))).toThrow(expect.objectContaining({ code: 'ERR_REDACTION_KEY' }))
  })
})
