// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * A bare Debian 12 as a folder, with Node and npm and nothing else. In: this machine's apt sources and its node. Out: a folder under
 * .cache, made once and copied for every use. Knows nothing of the sensor.
 * @module
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const SUITE = 'bookworm'

/** @typedef {{ uri: string, suite: string, components: string }} Source */

/** @param {string} cache @returns {string} the base root, which nobody may change */
export function ensureBaseRoot(cache) {
  const base = join(cache, `debian-12-node-${process.versions.node}`)
  if (existsSync(base)) return base
  const fresh = `${base}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  const sources = readSources()
  const main = sources.find(({ suite }) => suite === SUITE)
  if (main === undefined)
    throw new Error(
      `the apt sources of this machine name no ${SUITE} archive, which the bare root is made from`,
    )
  run('debootstrap', ['--variant=minbase', SUITE, fresh, main.uri])
  writeFileSync(join(fresh, 'etc/apt/sources.list'), sources.map(formatSource).join(''))
  writeFileSync(join(fresh, 'etc/apt/apt.conf.d/90machine'), readAptProxy())
  copyNode(fresh)
  for (const file of ['/etc/resolv.conf', '/etc/hosts'])
    if (existsSync(file)) writeFileSync(join(fresh, file), readFileSync(file))
  run('mv', [fresh, base])
  return base
}

/** Debian's archives among what this machine installs from, both formats of apt. @returns {Source[]} */
function readSources() {
  const folder = '/etc/apt/sources.list.d'
  const names = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  const files = ['/etc/apt/sources.list', ...names].filter((name) => existsSync(name))
  const found = files.flatMap((name) => {
    const text = readFileSync(name, 'utf8').replaceAll(/^\s*#.*\n/gm, '')
    return name.endsWith('.sources')
      ? text.split(/\n\s*\n/).flatMap(parseStanza)
      : text.split('\n').flatMap(parseLine)
  })
  return found.filter(({ suite, components }) => suite.startsWith(SUITE) && /\bmain\b/.test(components))
}

/** deb822, as in debian.sources. @param {string} stanza @returns {Source[]} */
function parseStanza(stanza) {
  const field = (/** @type {string} */ name) =>
    new RegExp(`^${name}:\\s*(.+)$`, 'mi').exec(stanza)?.[1]?.trim().split(/\s+/) ?? []
  if (!field('Types').includes('deb')) return []
  const components = field('Components').join(' ')
  return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ uri, suite, components })))
}

/** @param {string} line @returns {Source[]} */
function parseLine(line) {
  const [, uri, suite, components] = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.trim()) ?? []
  return uri === undefined || suite === undefined || components === undefined
    ? []
    : [{ uri, suite, components }]
}

/** @param {Source} source */
function formatSource({ uri, suite, components }) {
  return `deb ${uri} ${suite} ${components}\n`
}

/** How this machine reaches its mirrors is a fact of the machine, not of a bare Debian. */
function readAptProxy() {
  const { stdout } = spawnSync('apt-config', ['dump', '--no-empty', 'Acquire'], { encoding: 'utf8' })
  return (
    (stdout ?? '')
      .split('\n')
      .filter((line) => /^Acquire::https?::[Pp]roxy/.test(line))
      .join('\n') + '\n'
  )
}

/** @param {string} root */
function copyNode(root) {
  const npm = dirname(dirname(realpathSync(findNpm())))
  cpSync(process.execPath, join(root, 'usr/local/bin/node'))
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
}

function findNpm() {
  const path = [dirname(process.execPath), ...(process.env['PATH'] ?? '').split(':')]
    .map((folder) => join(folder, 'npm'))
    .find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error('npm is not beside node and not on PATH')
  return path
}

/** @param {string} program @param {string[]} args */
function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit ${status}`}`)
}
