// SPDX-License-Identifier: Apache-2.0
/**
 * Keyed hashes. In: the sensor's one key. Out: a hash function per purpose. Knows no file; the key is made and kept elsewhere.
 * @module
 */
import { createHmac, createSecretKey, type Hmac, type KeyObject } from 'node:crypto'
import { SensorError } from '../errors.js'
import type { Fingerprint } from '../protocol/types.js'

/** RFC 2104 3: a key shorter than the hash's output weakens the HMAC; half of it is the least we take. */
const MIN_KEY_BYTES = 16
/** 128 bits tell two values apart and keep attributes short. */
const SHORT_HEX = 32
const KEY_ID_HEX = 16

export interface Keys {
  /** Names the key without giving it away. */
  readonly id: string
  /** Starts a hash over one side's content. */
  startContent(): Hmac
  /** Stands in for a value that may not leave; equal values stay equal. */
  hashValue(value: string): string
}

/** Each purpose has its own key, so that a hash of one says nothing about another: a prompt that is an API key has two hashes. */
export function createKeys(key: Uint8Array): Keys {
  const contentKey = deriveKey(key, 'content')
  const valueKey = deriveKey(key, 'value')
  return {
    id: derive(key, 'id').toString('hex').slice(0, KEY_ID_HEX),
    startContent: () => createHmac('sha256', contentKey),
    hashValue: (value) =>
      `hmac:${createHmac('sha256', valueKey).update(value).digest('hex').slice(0, SHORT_HEX)}`,
  }
}

/** What the protocol room keeps of a credential. */
export function createFingerprint(key: Uint8Array): Fingerprint {
  const credentialKey = deriveKey(key, 'credential')
  return (secret) => createHmac('sha256', credentialKey).update(secret).digest('hex').slice(0, SHORT_HEX)
}

/** As an object of OpenSSL: bytes would be made into one for every hash. */
function deriveKey(key: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(derive(key, purpose))
}

function derive(key: Uint8Array, purpose: string): Buffer {
  if (key.length < MIN_KEY_BYTES)
    throw new SensorError({
      code: 'ERR_REDACTION_KEY',
      message: `the key of the keyed hashes has ${key.length} bytes, ${MIN_KEY_BYTES} are the least`,
      hint: 'remove the key file; a new key is made at the next start',
    })
  return createHmac('sha256', key).update(`oisp-sensor ${purpose}`).digest()
}
