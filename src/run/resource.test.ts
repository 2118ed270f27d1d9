// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeProcess } from '../../test/support/inference-event.js'
import { toResource } from './resource.js'

const SENSOR = {
  attributes: {
    'service.name': 'oisp-sensor',
    'process.pid': 9,
    'host.name': 'box',
    'deployment.environment.name': 'test',
  },
  schemaUrl: '',
}

describe('toResource', () => {
  it('describes the observed process on the host of the sensor', () => {
    expect(toResource(makeProcess({ containerId: 'ab'.repeat(32) }), SENSOR, '1.2.3')).toEqual({
      attributes: {
        'service.name': 'agent.py',
        'telemetry.distro.name': 'oisp-sensor',
        'telemetry.distro.version': '1.2.3',
        'process.pid': 4321,
        'process.parent_pid': 4000,
        'process.creation.time': '2023-11-14T22:12:20.123Z',
        'process.executable.name': 'python3.11',
        'process.executable.path': '/usr/bin/python3.11',
        'process.user.id': 1000,
        'container.id': 'ab'.repeat(32),
        'process.args_count': 4,
        'host.name': 'box',
        'deployment.environment.name': 'test',
      },
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
    })
  })

  it('says no more than it knows', () => {
    const process = makeProcess({
      parentPid: undefined,
      userId: undefined,
      comm: undefined,
      executable: undefined,
      script: undefined,
      arguments: [],
      isKnown: false,
    })
    expect(Object.keys(toResource(process, { attributes: {}, schemaUrl: '' }, '1').attributes)).toEqual([
      'service.name',
      'telemetry.distro.name',
      'telemetry.distro.version',
      'process.pid',
      'process.creation.time',
    ])
  })
})
