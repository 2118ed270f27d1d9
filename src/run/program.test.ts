// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { makeProcess } from '../../test/support/inference-event.js'
import { toProgramName } from './program.js'

describe('toProgramName', () => {
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
  ])('%s', (_, change, expected) => expect(toProgramName(makeProcess(change))).toBe(expected))
})

describe('the script of an interpreter', () => {
  const node = { script: undefined, executable: '/usr/bin/node' }
  const python = { script: undefined, executable: '/usr/bin/python3.11' }
  it.each([
    ['a linked command', node, ['node', '/usr/local/bin/claude', '--print', 'x'], 'claude'],
    ['a file here', node, ['node', 'agent.mjs'], 'agent.mjs'],
    [
      'options with values',
      node,
      ['node', '--import', './tsx.mjs', '--env-file=.env', '-r', './b.js', 'src/agent.ts'],
      'agent.ts',
    ],
    ['a package', node, ['node', '/x/node_modules/some-agent/bin/run.js'], 'some-agent'],
    ['a Python script', python, ['python3', '-u', '-X', 'dev', 'agent.py', '--key', 'CANARY'], 'agent.py'],
    ['a Python module', python, ['python3', '-m', 'my_agent.cli', 'CANARY'], 'my_agent.cli'],
    ['code of node', node, ['node', '-e', 'fetch("/CANARY.js")'], 'node'],
    ['code of Python', python, ['python3', '-c', '/CANARY.py'], 'python3.11'],
    ['a module that is none', python, ['python3', '-m', 'CANARY canary'], 'python3.11'],
    ['standard input', python, ['python3', '-', '/CANARY.py'], 'python3.11'],
    ['a value of an option we do not know', node, ['node', '--what', 'CANARY'], 'node'],
    ['no arguments', node, [], 'node'],
    ['another program', { script: undefined, executable: '/usr/bin/curl' }, ['curl', './CANARY.js'], 'curl'],
  ])('%s', (_, change, args, expected) =>
    expect(toProgramName(makeProcess({ ...change, arguments: args }))).toBe(expected),
  )
})
