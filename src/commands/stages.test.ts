// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { ExchangeRef } from '../protocol/types.js'
import { createStagePrinters } from './stages.js'

const connection = { key: '7:70:ab:0', process: {} } as unknown as ExchangeRef['connection']
const exchange: ExchangeRef = { connection, number: 0 }

function printed(feed: (sinks: ReturnType<typeof createStagePrinters>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  feed(createStagePrinters((line) => lines.push(line)))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('what --stop-after prints', () => {
  it('says where bytes are and how many, not which', () => {
    const bytes = Buffer.from('canary')
    const event = {
      kind: 'bytes',
      connection,
      direction: 'transmit',
      offset: 4,
      bytes,
      timeUnixNano: 9n,
    } as const
    expect(printed(({ stream }) => stream.consume(event))).toEqual([
      {
        kind: 'bytes',
        connection: '7:70:ab:0',
        direction: 'transmit',
        offset: 4,
        bytes: 6,
        timeUnixNano: '9',
      },
    ])
  })

  it('shows the names of headers only', () => {
    const head = {
      method: 'POST',
      path: '/v1/canary',
      queryNames: ['canary'],
      protocol: 'http/1.1',
      host: 'canary.example',
      port: 443,
      headers: [['x-team', 'canary']] as const,
      credentials: [],
    }
    const [line] = printed(({ protocol }) =>
      protocol.consume({ kind: 'request', exchange, head, timeUnixNano: 9n }),
    )
    expect(line).toMatchObject({ kind: 'request', method: 'POST', headers: ['x-team'] })
    expect(JSON.stringify(line)).not.toContain('canary')
  })
})
