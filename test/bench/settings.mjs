// SPDX-License-Identifier: Apache-2.0
/** The pipeline's default settings, with a key and a boot id that do not matter. @module */
export function pipelineSettings(stats, budget) {
  return {
    stats,
    budget,
    boottimeToUnixNano: 1_700_000_000_000_000_000n,
    bootId: '00000000-0000-4000-8000-000000000000',
    key: Buffer.alloc(32, 7),
    redactionMode: 'safe',
    profile: 'genai-dev-1.42+aliases',
    traceparent: 'link',
    metricIntervalMs: 60_000,
    maxBodyBytes: 64 * 1024 * 1024,
    version: '0.0.0',
    resource: {
      attributes: { 'service.name': 'oisp-sensor' },
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
    },
  }
}
