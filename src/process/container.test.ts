// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { findContainerId } from './container.js'

const ID = '0123456789abcdef'.repeat(4)

describe('the id of a container', () => {
  it.each([
    [[ID, 'docker']],
    [[`docker-${ID}.scope`, 'system.slice']],
    [[`libpod-${ID}`, 'libpod_parent']],
    [[`libpod-${ID}.scope`, 'machine.slice']],
    [[`cri-containerd-${ID}.scope`, 'kubepods-burstable-pod1.slice']],
    [[`kubepods-besteffort-pod1.slice:cri-containerd:${ID}`, 'kubepods']],
    [[`crio-${ID}.scope`, 'kubepods.slice']],
    // An init system inside, and an engine that uses only the old hierarchy.
    [['init.scope', `docker-${ID}.scope`]],
    [['session-1.scope', 'user-0.slice', ID, 'docker']],
  ])('is found in %j', (names) => {
    expect(findContainerId(names)).toBe(ID)
  })

  it.each([
    [[]],
    [['agent.service', 'system.slice']],
    [[`crio-conmon-${ID}.scope`, 'system.slice']],
    [[`libpod-conmon-${ID}.scope`]],
    [[ID.slice(1)]],
    [[`${ID}0`]],
    [[ID.toUpperCase()]],
    [[`${ID}/x`]],
    [[`buildkit-${ID}.scope.d`]],
  ])('is not made up from %j', (names) => {
    expect(findContainerId(names)).toBeUndefined()
  })
})
