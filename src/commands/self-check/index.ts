// SPDX-License-Identifier: Apache-2.0
/**
 * Proves at start that the whole chain works on this machine. In: a way to build the pipeline. Out: the records' way through it,
 * and ok or the reason why not. Leaves nothing in the user's telemetry.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Consumer } from '../../consumer.js'
import type { CaptureRecord } from '../../receiver/index.js'
import type { Telemetry } from '../../run/types.js'
import { ATTR_GEN_AI_REQUEST_MODEL, ATTR_OISP_CAPTURE_COMPLETENESS } from '../../semconv.js'
import { within } from '../stopping.js'
import { makeExchange, SELF_CHECK_MODEL } from './exchange.js'
import { createTap } from './tap.js'

/** From the client's end to its span: the ring buffer's wake-up and a batch. */
const SPAN_DEADLINE_MS = 3000

export interface SelfCheckResult {
  isOk: boolean
  /** What was seen, or the reason of the failure. */
  text: string
}

export interface SelfCheck {
  /** Stands before the real pipeline. */
  consumer: Consumer<CaptureRecord>
  /** The receiver must be running. */
  perform(): Promise<SelfCheckResult>
}

/** `makePipeline` makes one that is complete but for the exporter, with counters of its own. */
export function createSelfCheck<T extends Telemetry>(
  main: Consumer<CaptureRecord>,
  makePipeline: (sink: Consumer<T>) => Consumer<CaptureRecord>,
  deadlineMs = SPAN_DEADLINE_MS,
): SelfCheck {
  const marker = randomBytes(16).toString('hex')
  let found: string | undefined
  let announce: () => void
  const isSeen = new Promise<void>((resolve) => (announce = resolve))
  const sink: Consumer<T> = {
    consume({ spans }) {
      const span = spans.find(({ attributes }) => attributes[ATTR_GEN_AI_REQUEST_MODEL] === SELF_CHECK_MODEL)
      if (span === undefined) return
      found = String(span.attributes[ATTR_OISP_CAPTURE_COMPLETENESS])
      announce()
    },
    tick() {},
    end() {},
  }
  const tap = createTap(marker, main, makePipeline(sink))
  return {
    consumer: tap,
    async perform() {
      const { client, failure } = await makeExchange(marker)
      if (failure !== undefined) return { isOk: false, text: failure }
      if (!(await within(deadlineMs, isSeen)))
        return { isOk: false, text: explainSilence(client, tap.recordsSeen()) }
      return {
        isOk: found === 'complete',
        text: `${client} made one exchange; its span arrived and is ${found}`,
      }
    },
  }
}

function explainSilence(client: string, records: number): string {
  return records <= 1
    ? `${client} made one exchange, and none of its bytes arrived: its TLS library has no working probes`
    : `${client} made one exchange; ${records} records arrived, but no span came out of them`
}
