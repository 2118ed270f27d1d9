// SPDX-License-Identifier: Apache-2.0
/** A Prometheus page as the tests look at it. In: an address. Out: its text, once it shows what is waited for; sums of series. @module */
import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 20_000
/** How often the page is read: decides only how soon a test goes on. */
const READ_EVERY_MS = 250

/** `isThere` looks at the page; the text that it accepted comes back. */
export async function readPage(address: string, isThere: (page: string) => boolean): Promise<string> {
  const deadline = performance.now() + DEADLINE_MS
  let last = ''
  while (performance.now() < deadline) {
    last = await (await fetch(`http://${address}/metrics`)).text()
    if (isThere(last)) return last
    await pause(READ_EVERY_MS)
  }
  throw new Error(`${address} does not show it after ${DEADLINE_MS} ms:\n${last}`)
}

/** The sum over all series whose line matches. */
export function sumOf(page: string, series: RegExp): number {
  const lines = page.split('\n').filter((line) => series.test(line))
  // `name{labels} value`, and an exemplar may follow.
  return lines.reduce((sum, line) => sum + Number(/\} ([0-9.e+]+)/.exec(line)![1]), 0)
}
