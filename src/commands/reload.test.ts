// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseConfig, type Config } from '../config/index.js'
import { SensorError } from '../errors.js'
import { createReload } from './reload.js'

function setUp(flags: Record<string, string> = {}) {
  const parse = (said: Record<string, string>): Config =>
    parseConfig({ flags: said, env: { HOME: '/home/u' }, userId: 1000, isTerminal: false })
  const lines: string[] = []
  const at =
    (level: string) =>
    (text: string): void =>
      void lines.push(`${level} ${text}`)
  const log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
  let said = flags
  let refusal: Error | undefined
  const replaced: Config[] = []
  const modes: string[] = []
  const reload = createReload({
    config: parse(flags),
    readConfig: () => parse(said),
    log,
    replaceExporter(next) {
      if (refusal) throw refusal
      replaced.push(next)
    },
    setRedactionMode: (mode) => void modes.push(mode),
  })
  return {
    lines,
    replaced,
    modes,
    refuse: (error: Error) => void (refusal = error),
    reload(next: Record<string, string>) {
      said = next
      reload()
    },
  }
}

describe('reload', () => {
  it('changes nothing when nothing has changed', () => {
    const { reload, lines, replaced } = setUp()
    reload({})
    expect(replaced).toEqual([])
    expect(lines).toEqual(['info configuration reloaded: nothing else has changed'])
  })

  it('replaces the exporter and the redaction mode', () => {
    const { reload, lines, replaced, modes } = setUp()
    reload({ otlpEndpoint: 'http://c:4317', redactionMode: 'full' })
    expect(replaced.map(({ destinations }) => destinations.length)).toEqual([3])
    expect(modes).toEqual(['full'])
    expect(lines.at(-1)).toBe('info configuration reloaded: destinations, redaction mode (full)')
    reload({ otlpEndpoint: 'http://c:4317' })
    expect([replaced.length, modes]).toEqual([2, ['full', 'safe']])
  })

  it('names what waits for a restart, each time, and compares with what is in force', () => {
    const { reload, lines } = setUp()
    const waits = 'warn waits for a restart: limits.ring_bytes, traces.traceparent; the rest is in force'
    reload({ ringBytes: '64KiB', traceparent: 'parent' })
    reload({ ringBytes: '64KiB', traceparent: 'parent' })
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([waits, waits])
    reload({})
    expect(lines.at(-1)).toBe('info configuration reloaded: nothing else has changed')
  })

  it('keeps everything when there is a mistake, in the file or in a destination', () => {
    const { reload, lines, replaced, modes, refuse } = setUp()
    reload({ redactionMode: 'full', ringBytes: '3' })
    expect(lines).toEqual([expect.stringMatching(/^error the configuration stays as it was: --ring-bytes: /)])
    refuse(new SensorError({ code: 'ERR_X_Y', message: 'no such certificate' }))
    reload({ redactionMode: 'full', otlpEndpoint: 'http://c:4317' })
    expect(lines.at(-1)).toBe('error the configuration stays as it was: no such certificate')
    expect([replaced, modes]).toEqual([[], []])
  })

  it('survives what it does not know: a file that is gone for a moment', () => {
    const { reload, lines, refuse } = setUp()
    refuse(new Error('ENOENT: no such file or directory'))
    reload({ redactionMode: 'full' })
    expect(lines).toEqual(['error the configuration stays as it was: ENOENT: no such file or directory'])
  })
})
