// SPDX-License-Identifier: Apache-2.0
/**
 * Which container a process runs in. In: names of its cgroup folders. Out: the id that the engine gave to the container. Pure.
 * @module
 */

/**
 * What engines call the folder of a container: the id alone (Docker and kubelets that make cgroups themselves), or behind the
 * engine's name, as a systemd scope (docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope) or not.
 */
const CONTAINER = /^(?:[\w.:-]+[-:])?([0-9a-f]{64})(?:\.scope)?$/
/** The helper that watches a container of CRI-O or Podman has a folder of its own: it is not in the container. */
const MONITOR = /(?:^|-)conmon-/

export function findContainerId(names: readonly string[]): string | undefined {
  for (const name of names) {
    const id = MONITOR.test(name) ? undefined : CONTAINER.exec(name)?.[1]
    if (id !== undefined) return id
  }
  return undefined
}
