// SPDX-License-Identifier: Apache-2.0
/** A Prometheus page as the tests look at it. In: an address. Out: its text, once it shows what is waited for; sums of series. @module */
import { poll } from '../../support/poll.js'

/** `isThere` looks at the page; the text that it accepted comes back. */
export function readPage(address: string, isThere: (page: string) => boolean): Promise<string> {
  return poll(`the page of ${address}`, async () => {
    const text = await (await fetch(`http://${address}/metrics`)).text()
    return isThere(text) ? text : undefined
  })
}

/** The sum over all series whose line matches. */
export function sumOf(page: string, series: RegExp): number {
  const lines = page.split('\n').filter((line) => series.test(line))
  // `name{labels} value`, and an exemplar may follow.
  return lines.reduce((sum, line) => sum + Number(/\} ([0-9.e+]+)/.exec(line)![1]), 0)
}
