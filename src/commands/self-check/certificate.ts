// SPDX-License-Identifier: Apache-2.0
/**
 * A throw-away certificate for localhost. In: nothing. Out: PEM texts that exist only in memory. Node can verify certificates but
 * not make them, and a dependency or the openssl command is too much for the few bytes of RFC 5280 section 4.1 needed here.
 * @module
 */
import { generateKeyPairSync, sign } from 'node:crypto'

export interface ServerIdentity {
  key: string
  cert: string
}

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const OBJECT_IDENTIFIER = 0x06
const BIT_STRING = 0x03
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17

/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
const SIGNATURE_ALGORITHM = der(SEQUENCE, der(OBJECT_IDENTIFIER, Buffer.from('2a8648ce3d040302', 'hex')))
/** id-at-commonName, 2.5.4.3 */
const NAME = der(
  SEQUENCE,
  der(
    SET,
    der(
      SEQUENCE,
      der(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex')),
      der(UTF8_STRING, Buffer.from('localhost')),
    ),
  ),
)
/** Whatever the machine's clock says. UTCTime ends in 2049. */
const VALIDITY = der(
  SEQUENCE,
  der(UTC_TIME, Buffer.from('700101000000Z')),
  der(UTC_TIME, Buffer.from('491231235959Z')),
)

export function makeServerIdentity(): ServerIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const serialNumber = der(INTEGER, Buffer.from([1]))
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' })
  // Version 1: no extensions. The clients here are told not to verify the name.
  const body = der(SEQUENCE, serialNumber, SIGNATURE_ALGORITHM, NAME, VALIDITY, NAME, publicKeyInfo)
  const signature = sign('sha256', body, privateKey)
  const certificate = der(
    SEQUENCE,
    body,
    SIGNATURE_ALGORITHM,
    der(BIT_STRING, Buffer.concat([Buffer.from([0]), signature])),
  )
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}

/** One DER element (X.690 section 8.1); nothing here is longer than 64 KiB. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
