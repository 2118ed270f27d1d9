// SPDX-License-Identifier: Apache-2.0
/**
 * The receiver of the export bench, in a process of its own: takes everything and keeps nothing. In: OTLP over HTTP/1 and gRPC.
 * Out (IPC): its ports, and on request the bytes that came over its sockets since the last time. @module
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { connect, createServer as createTcpServer } from 'node:net'

let bytes = 0

/** Counts what a client sends, outside of what HTTP libraries do with their sockets. */
function countInFrontOf(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      const front = createTcpServer((socket) => {
        socket.on('data', (chunk) => (bytes += chunk.length))
        socket.on('error', () => {})
        socket.pipe(connect(port, '127.0.0.1').on('error', () => {})).pipe(socket)
      })
      front.listen(0, '127.0.0.1', () => resolve({ direct: port, counted: front.address().port }))
    })
  })
}

const http = createHttpServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
})

const grpc = createHttp2Server()
grpc.on('stream', (stream) => {
  stream.resume()
  stream.on('error', () => {})
  stream.on('end', () => {
    // The client gave it up in the meantime.
    if (stream.destroyed) return
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    // One message of length zero: an Export…ServiceResponse without partial success.
    stream.end(Buffer.alloc(5))
  })
})

process.on('message', () => {
  process.send({ bytes })
  bytes = 0
})
process.on('disconnect', () => process.exit())
process.send({ http: await countInFrontOf(http), grpc: await countInFrontOf(grpc) })
