// SPDX-License-Identifier: Apache-2.0
/**
 * The provider room: exchange events in, AI events out. A new provider is its folder and one line in `PROVIDERS`.
 * @module
 */
import type { Consumer } from '../consumer.js'
import type { ExchangeEvent } from '../protocol/types.js'
import type { Budget, Stats } from '../stats.js'
import { anthropic } from './anthropic/index.js'
import { openai } from './openai/index.js'
import { createRouter } from './router.js'
import type { AiEvent, Provider } from './types.js'

const PROVIDERS: readonly Provider[] = [openai, anthropic]

/** Below the whole budget (capture rule 11), above a 20 MB answer, which must come out complete. */
export const DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024

export interface ProviderRoomSettings {
  stats: Stats
  budget: Budget
  /** Largest body (after content coding) that is kept for decoding. */
  maxBodyBytes?: number
}

export function createProvider(
  { stats, budget, maxBodyBytes = DEFAULT_MAX_BODY_BYTES }: ProviderRoomSettings,
  next: Consumer<AiEvent>,
): Consumer<ExchangeEvent> {
  return createRouter(PROVIDERS, { stats, budget, maxBodyBytes }, next)
}
