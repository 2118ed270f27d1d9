// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * An HTTPS proxy: TLS to the client, CONNECT inside it, and the client's own TLS session inside that (TLS in TLS).
 * In: CONNECT requests for loopback. Out: a tunnel, its outer plaintext in the ledger. It never sees the inner plaintext.
 * @module
 */
import { createServer as createHttpServer } from 'node:http'
import { connect } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/**
 * @param {import('node:tls').TlsOptions} tlsOptions
 * @param {import('./ledger.mjs').Ledger} ledger
 */
export function createProxy(tlsOptions, ledger) {
  const http = createHttpServer((_req, res) => {
    res.sendDate = false
    res.writeHead(405, { allow: 'CONNECT', 'content-length': '0' }).end()
  })
  http.on('connect', (req, client, head) => {
    const { port } = new URL(`http://${req.url}`)
    // Whatever name was asked for, only this machine is reached.
    const upstream = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    upstream.on('close', () => client.end())
    client.on('error', () => {})
    client.on('close', () => upstream.destroy())
  })
  return createTlsServer(tlsOptions, (socket) => void http.emit('connection', ledger.tap(socket, 'proxy')))
}
