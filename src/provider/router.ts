// SPDX-License-Identifier: Apache-2.0
/**
 * Gives each exchange to the provider that claims its head. In: exchange events. Out: AI events. An exchange that nobody claims is
 * counted and costs one map entry; its bodies are let go at once.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { ExchangeEvent, ExchangeRef, RequestHead } from '../protocol/types.js'
import type { AiEvent, ExchangeDecoder, Provider, ProviderSettings } from './types.js'

interface OpenExchange {
  provider: Provider
  decoder: ExchangeDecoder
}

export function createRouter(
  providers: readonly Provider[],
  settings: ProviderSettings,
  next: Consumer<AiEvent>,
): Consumer<ExchangeEvent> {
  const { stats } = settings
  /** Undefined for an exchange that nobody claimed: its end must still be told from that of one without a head. */
  const exchanges = new Map<ExchangeRef, OpenExchange | undefined>()
  let lastUnixNano = 0n

  function open(head: RequestHead): OpenExchange | undefined {
    const provider = findProvider(providers, head)
    return provider && { provider, decoder: provider.open(head, settings) }
  }

  function close(exchange: ExchangeRef, item: ExchangeEvent): void {
    const known = exchanges.get(exchange)
    if (known === undefined) {
      // Without a head (attached in its middle, or the head was lost) nothing says what this exchange was.
      return stats.add('exchanges.ignored', exchanges.delete(exchange) ? 'no_provider' : 'no_request_head')
    }
    exchanges.delete(exchange)
    const event = known.decoder.consume(item)
    if (event === undefined) return stats.add('exchanges.ignored', 'not_ai')
    stats.add('exchanges.decoded', known.provider.name)
    next.consume(event)
  }

  return {
    consume(item) {
      lastUnixNano = item.timeUnixNano
      if (item.kind === 'request') exchanges.set(item.exchange, open(item.head))
      if (item.kind === 'end') close(item.exchange, item)
      else exchanges.get(item.exchange)?.decoder.consume(item)
    },
    tick: (nowUnixNano) => next.tick(nowUnixNano),
    end() {
      // The protocol room ends every exchange; should one be left, it is passed on and its bytes are given back.
      for (const exchange of [...exchanges.keys()])
        close(exchange, {
          kind: 'end',
          exchange,
          outcome: 'unknown',
          completeness: 'gap',
          missingBytes: 0,
          timeUnixNano: lastUnixNano,
        })
      next.end()
    },
  }
}

function findProvider(providers: readonly Provider[], head: RequestHead): Provider | undefined {
  let best: Provider | undefined
  let bestScore = 0
  for (const provider of providers) {
    const score = provider.match(head)
    if (score === undefined || score <= bestScore) continue
    best = provider
    bestScore = score
  }
  return best
}
