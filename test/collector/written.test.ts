// SPDX-License-Identifier: Apache-2.0
/** The reader of the Collector's files itself: a kill in the middle of a line must not hide the request that comes after it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolder } from './support/collector.js'
import { readWritten } from './support/written.js'

const line = (spanId: string, name = 'chat'): string =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ spanId, name }] }] }] })

it.each([
  ['whole lines', `${line('a')}\n${line('b')}\n`, ['a', 'b']],
  ['a line without its end', `${line('a')}${line('b')}\n`, ['a', 'b']],
  ['a line cut in a string', `${line('a').slice(0, -12)}${line('b')}\n`, ['b']],
  ['a line cut behind a brace', `${line('a').slice(0, -4)}${line('b')}\n`, ['b']],
  ['a string that looks like a request', `${line('a', '{"resourceSpans":[]}')}\n`, ['a']],
])('%s', (_what, text, spanIds) => {
  const folder = makeFolder()
  try {
    writeFileSync(join(folder.path, 'traces.jsonl'), text)
    expect(readWritten(folder.path).spanIds).toEqual(spanIds)
  } finally {
    folder.remove()
  }
})
