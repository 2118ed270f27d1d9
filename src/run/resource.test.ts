// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeProcess } from '../../test/support/inference-event.js'
import { toResource, toServiceName } from './resource.js'

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
    expect(toResource(makeProcess(), SENSOR, '1.2.3')).toEqual({
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

describe('toServiceName', () => {
  it.each([
    ['a script', { script: '/usr/local/bin/claude' }, 'claude'],
    ['a program file', { script: undefined, executable: '/usr/bin/curl' }, 'curl'],
    ['a replaced program file', { script: undefined, executable: '/usr/bin/curl (deleted)' }, 'curl'],
    ['an npm package', { script: '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js' }, 'claude-code'],
    [
      'the innermost npm package',
      { script: '/a/node_modules/outer/node_modules/inner/dist/index.js' },
      'inner',
    ],
    ['a link in .bin', { script: '/a/node_modules/.bin/agent' }, 'agent'],
    ['a Python module', { script: '/srv/my_agent/__main__.py' }, 'my_agent'],
    ['only a self-chosen name', { script: undefined, executable: undefined }, 'python3'],
    [
      'a program file before a self-chosen name',
      { script: '', executable: '/bin/true', comm: 'forged' },
      'true',
    ],
    ['nothing', { script: undefined, executable: undefined, comm: undefined }, 'unknown_service'],
  ])('%s', (_, change, expected) => expect(toServiceName(makeProcess(change))).toBe(expected))
})
