// SPDX-License-Identifier: Apache-2.0
/**
 * A certificate authority of one test, by the openssl command. In: a folder. Out: PEM files in it; keys never leave the folder.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Leaf {
  certificate: string
  key: string
}

export interface Authority {
  certificate: string
  issue(name: string, usage: 'serverAuth' | 'clientAuth'): Leaf
}

export function createAuthority(folder: string, name: string): Authority {
  const key = join(folder, `${name}-key.pem`)
  const certificate = join(folder, `${name}.pem`)
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...curve, '-keyout', key, '-out', certificate, '-subj', `/CN=${name}`, '-days', '2')
  return {
    certificate,
    issue(leafName, usage) {
      const leaf = { key: join(folder, `${leafName}-key.pem`), certificate: join(folder, `${leafName}.pem`) }
      const request = join(folder, `${leafName}.csr`)
      const extensions = join(folder, `${leafName}.cnf`)
      writeFileSync(extensions, `extendedKeyUsage = ${usage}\nsubjectAltName = DNS:localhost, IP:127.0.0.1\n`)
      openssl('req', '-new', ...curve, '-keyout', leaf.key, '-out', request, '-subj', `/CN=${leafName}`)
      const signer = ['-CA', certificate, '-CAkey', key, '-CAcreateserial']
      openssl(
        ...['x509', '-req', '-in', request, ...signer, '-out', leaf.certificate],
        ...['-days', '2', '-extfile', extensions],
      )
      return leaf
    },
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
