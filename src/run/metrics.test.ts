// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeEvent, makeFailure, makeProcess, START } from '../../test/support/inference-event.js'
import type { InferenceEvent } from '../provider/types.js'
import { createStats } from '../stats.js'
import { splitByModality } from './metrics.js'
import { createRun, type RunSettings } from './run.js'
import type { Metric, Telemetry } from './types.js'

const MINUTE = 60_000_000_000n
const END = makeEvent().endUnixNano

function open(settings: Partial<RunSettings> = {}) {
  const stats = createStats()
  const flushes: Metric[][] = []
  const room = createRun(
    { stats, bootId: 'boot', version: '1.2.3', profile: 'genai-dev-1.42', ...settings },
    {
      consume: ({ metrics }: Telemetry) => void (metrics.length > 0 && flushes.push(metrics)),
      tick() {},
      end() {},
    },
  )
  return { room, stats, flushes }
}

function atEnd(events: InferenceEvent[], settings: Partial<RunSettings> = {}): Map<string, Metric> {
  const { room, flushes } = open(settings)
  events.forEach((event) => room.consume(event))
  room.end()
  return new Map(flushes[0]?.map((metric) => [metric.name, metric]))
}

const DIMENSIONS = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o-mini',
  'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
  'server.address': 'api.openai.com',
  'server.port': 443,
  'openai.response.service_tier': 'default',
  'openai.response.system_fingerprint': 'fp_44709d6fcb',
}

describe('client metrics', () => {
  it('count one call in the bucket of its duration', () => {
    const duration = atEnd([makeEvent()]).get('gen_ai.client.inference.duration')!
    expect(duration).toMatchObject({ kind: 'histogram', unit: 's' })
    expect(duration.points).toEqual([
      {
        attributes: DIMENSIONS,
        startUnixNano: START,
        timeUnixNano: END,
        count: 1,
        sum: 2.500000001,
        min: 2.500000001,
        max: 2.500000001,
        boundaries: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
        counts: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
      },
    ])
  })

  it('take a value on a boundary into the lower bucket, and any above the last one', () => {
    const usage = (inputTokens: number) => makeEvent({ usage: { inputTokens } })
    const tokens = atEnd([usage(4), usage(5), usage(1e9)]).get(
      'gen_ai.client.inference.operation.input_tokens',
    )!
    expect(tokens.points[0]).toMatchObject({
      counts: [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      min: 4,
      max: 1e9,
    })
  })

  it('name what each profile wants', () => {
    const pinned = [...atEnd([makeEvent()]).keys()]
    const legacy = [...atEnd([makeEvent()], { profile: 'legacy-1.41' }).keys()]
    const both = [...atEnd([makeEvent()], { profile: 'genai-dev-1.42+aliases' }).keys()]
    expect(legacy).toEqual([
      'gen_ai.client.operation.duration',
      'gen_ai.client.operation.time_to_first_chunk',
      'gen_ai.client.token.usage',
    ])
    expect(both.toSorted()).toEqual([...pinned, ...legacy].toSorted())
    expect(pinned).toHaveLength(8)
  })

  it('count tokens by modality, which adds up to the total', () => {
    const usage = { inputTokens: 100, audioInputTokens: 30, textInputTokens: 60, outputTokens: 7 }
    const metrics = atEnd([makeEvent({ usage })])
    const series = (name: string) =>
      metrics
        .get(name)!
        .points.map((point) => [point.attributes['gen_ai.token.modality'], 'value' in point && point.value])
    expect(series('gen_ai.client.inference.usage.input_tokens')).toEqual([
      ['text', 60],
      ['audio', 30],
      ['unknown', 10],
    ])
    expect(series('gen_ai.client.inference.usage.output_tokens')).toEqual([['unknown', 7]])
  })

  it('give failures their own series and no tokens', () => {
    const metrics = atEnd([makeEvent(), makeFailure()])
    const duration = metrics.get('gen_ai.client.inference.duration')!
    expect(duration.points.map(({ attributes }) => attributes['error.type'])).toEqual([
      undefined,
      'rate_limit_exceeded',
    ])
    expect([...atEnd([makeFailure()]).keys()]).toEqual(['gen_ai.client.inference.duration'])
  })

  it('have no series per process', () => {
    const events = [1, 2, 3].map((pid) => makeEvent({}, makeProcess({ pid, key: `${pid}:1` })))
    const points = [...atEnd(events).values()].map((metric) => metric.points.length)
    expect(new Set(points)).toEqual(new Set([1]))
  })

  it('ignore a count that would make a counter fall', () => {
    const metrics = atEnd([makeEvent({ usage: { inputTokens: -5, outputTokens: Infinity } })])
    expect(metrics.has('gen_ai.client.inference.usage.input_tokens')).toBe(false)
    expect(metrics.has('gen_ai.client.inference.usage.output_tokens')).toBe(false)
  })
})

describe('collection', () => {
  it('is cumulative and due once per interval of capture time', () => {
    const { room, flushes } = open()
    room.tick(START)
    room.consume(makeEvent())
    room.tick(START + MINUTE - 1n)
    expect(flushes).toHaveLength(0)
    room.tick(START + MINUTE)
    room.consume(makeEvent({}, makeProcess(), 1))
    room.tick(START + 2n * MINUTE)
    expect(flushes.map((metrics) => metrics[0]!.points[0])).toMatchObject([
      { count: 1, startUnixNano: START, timeUnixNano: START + MINUTE },
      { count: 2, startUnixNano: START, timeUnixNano: START + 2n * MINUTE },
    ])
  })

  it('does not change what it handed over before', () => {
    const { room, flushes } = open()
    room.consume(makeEvent())
    room.end()
    const before = structuredClone(flushes[0])
    room.consume(makeEvent())
    expect(flushes[0]).toEqual(before)
  })

  it('hands over nothing when nothing was seen', () => {
    const { room, flushes } = open()
    room.tick(START)
    room.tick(START + MINUTE)
    room.end()
    expect(flushes).toEqual([])
  })

  it('puts what exceeds the limit of series into one, and counts it', () => {
    const { room, flushes, stats } = open({ maxSeries: 3 })
    for (let port = 1; port <= 5; port++) room.consume(makeEvent({ serverPort: port, usage: undefined }))
    room.end()
    const duration = flushes[0]!.find(({ name }) => name === 'gen_ai.client.inference.duration')!
    expect(duration.points.map(({ attributes }) => attributes['server.port'])).toEqual([1, 2, undefined])
    expect(duration.points[2]).toMatchObject({ attributes: { 'otel.metric.overflow': true }, count: 3 })
    expect(stats.get('metric_points.overflowed', 'max_series')).toBe(6)
  })

  it('does not keep a series for a megabyte of model name', () => {
    const { room, flushes, stats } = open()
    room.consume(
      makeEvent({ usage: undefined, request: { model: 'm'.repeat(1_000_000), stream: false, bodyBytes: 0 } }),
    )
    room.end()
    expect(flushes[0]![0]!.points[0]!.attributes).toEqual({ 'otel.metric.overflow': true })
    expect(stats.get('metric_points.overflowed', 'value_too_long')).toBe(1)
  })
})

describe('splitByModality', () => {
  it.each([
    [undefined, { audio: 1 }, []],
    [10, {}, [['unknown', 10]]],
    [10, { audio: 0 }, [['unknown', 10]]],
    [
      10,
      { text: 6, audio: 4 },
      [
        ['text', 6],
        ['audio', 4],
      ],
    ],
    [10, { text: 60 }, [['unknown', 10]]],
  ])('%j of %j', (total, pieces, expected) => expect(splitByModality(total, pieces)).toEqual(expected))
})
