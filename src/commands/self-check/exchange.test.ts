// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeServerIdentity } from './certificate.js'
import { makeExchange } from './exchange.js'

describe('the self-check exchange', () => {
  it('gives a real client its answer over TLS', async () => {
    expect((await makeExchange('marker-1')).failure).toBeUndefined()
  })

  it('makes a certificate that is signed by its own key', () => {
    const certificate = new X509Certificate(makeServerIdentity().cert)
    expect(certificate.subject).toBe('CN=localhost')
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(new Date(certificate.validTo).getUTCFullYear()).toBe(2049)
  })

  it('makes another key every time', () => {
    expect(makeServerIdentity().key).not.toBe(makeServerIdentity().key)
  })
})
