// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * A Docker engine for the test: the machine's own if it answers, else one in a Debian 13 root of its own below .cache, with a private
 * mount namespace, without a bridge and without a firewall rule. In: a cache folder. Out: a way to run `docker`, and to end the
 * engine with all it made. Knows nothing of the sensor.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ensureBaseRoot } from '../bare/root.mjs'

const BASE_IMAGE = 'debian:bookworm-slim'
/** Knows CAP_BPF and compose v2, unlike that of Debian 12. */
const SUITE = 'trixie'
const PACKAGES = 'ca-certificates,docker.io,docker-cli,docker-compose,docker-buildx,iptables,procps'
const START_TRIES = 120
const START_PAUSE_MS = 500

/**
 * A new root for dockerd by pivot_root, because image builds want to remount what a chroot leaves busy. Folders of the machine keep
 * their paths inside, so that bind mounts mean what the caller means. $1: the root, $2: a folder that has to be there as well.
 */
const ENTER = `
set -eu
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
cp -L /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null || :
for folder in /* "$2"; do
  case $folder in /bin|/boot|/dev|/etc|/lib*|/proc|/run|/sbin|/sys|/usr|/var|/lost+found) continue;; esac
  [ -d "$folder" ] && [ ! -L "$folder" ] || continue
  mkdir -p "$1$folder"
  mount --bind "$folder" "$1$folder"
done
cd "$1"
mkdir -p .outside
pivot_root . .outside
cd /
umount -l /.outside
shift 2
exec "$@"
`

/**
 * @typedef {object} Engine
 * @property {(args: string[], options?: import('node:child_process').SpawnSyncOptions) => import('node:child_process').SpawnSyncReturns<string>} docker
 * @property {NodeJS.ProcessEnv} env of the client
 * @property {() => Promise<void>} stop
 */

/** @param {string} cache @returns {Promise<Engine | string>} the reason when there can be none */
export async function startEngine(cache) {
  const own = { docker: runner('docker', process.env), env: process.env, stop: async () => {} }
  if (own.docker(['info']).status === 0 && own.docker(['compose', 'version']).status === 0) return own
  if (process.getuid?.() !== 0) return 'no Docker engine answers, and making one needs root'
  for (const program of ['debootstrap', 'unshare', 'setsid'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
      return `no Docker engine answers, and making one needs ${program}`
  return startPrivateEngine(ensureEngineRoot(cache), join(cache, 'engine'))
}

/** @param {string} command @param {NodeJS.ProcessEnv} env @returns {Engine['docker']} */
function runner(command, env) {
  return (args, options = {}) =>
    /** @type {import('node:child_process').SpawnSyncReturns<string>} */ (
      spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, env, ...options })
    )
}

/** @param {string} cache */
function ensureEngineRoot(cache) {
  const root = join(cache, SUITE)
  if (existsSync(root)) return root
  const fresh = `${root}.new`
  rmSync(fresh, { recursive: true, force: true })
  const [, mirror = ''] =
    /^deb (\S+)/m.exec(readFileSync(join(base(cache), 'etc/apt/sources.list'), 'utf8')) ?? []
  console.log(`making a Docker engine from ${SUITE}: some minutes and 600 MB in ${cache}`)
  must('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, SUITE, fresh, mirror])
  must('mv', [fresh, root])
  return root
}

/** @param {string} cache */
const base = (cache) => ensureBaseRoot(join(cache, '../bare'))

/** @param {string} root @param {string} folder @returns {Promise<Engine>} */
async function startPrivateEngine(root, folder) {
  mkdirSync(join(folder, 'client/cli-plugins'), { recursive: true })
  const socket = join(folder, 'docker.sock')
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: join(folder, 'client') }
  const docker = runner(makeClient(root, folder), env)
  const pidFile = join(folder, 'dockerd.pid')
  if (docker(['info']).status === 0) {
    const pid = readFileSync(pidFile, 'utf8')
    throw new Error(`another run uses ${folder}, or one was killed and left its engine: process ${pid}`)
  }
  rmSync(pidFile, { force: true })
  const settings = [
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'run'), '--pidfile', pidFile],
    ...['-H', `unix://${socket}`, '--storage-driver=overlay2', '--exec-opt=native.cgroupdriver=cgroupfs'],
    ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
  ]
  const inside = ['env', '-i', 'HOME=/root', `PATH=/usr/sbin:/usr/bin:/sbin:/bin`, ...proxies()]
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'enter', root, folder, ...inside]
  const daemon = spawn('unshare', [...args, 'dockerd', ...settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  daemon.stderr.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-4000)))
  const gone = new Promise((resolve) => daemon.once('exit', resolve))
  for (let tries = 0; docker(['info']).status !== 0; tries++) {
    if (daemon.exitCode !== null || tries >= START_TRIES) {
      daemon.kill('SIGTERM')
      throw new Error(`dockerd did not come up:\n${log}`)
    }
    await delay(START_PAUSE_MS)
  }
  return {
    docker,
    env,
    async stop() {
      const ids = docker(['ps', '-q']).stdout.split('\n').filter(Boolean)
      if (ids.length > 0) docker(['kill', ...ids])
      docker(['image', 'prune', '-f'])
      // containerd is its child and ends with it.
      daemon.kill('SIGTERM')
      await gone
      // Only empty ones go.
      const groups = [
        '/sys/fs/cgroup',
        '-depth',
        '-type',
        'd',
        '-path',
        '*/docker*',
        '-exec',
        'rmdir',
        '{}',
        '+',
      ]
      spawnSync('find', groups)
    },
  }
}

function proxies() {
  return ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) =>
    process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`],
  )
}

/** Programs of that root run here by its own loader and libraries, whatever libc this machine has. @param {string} root @param {string} folder */
function makeClient(root, folder) {
  const loader = join(root, 'lib64/ld-linux-x86-64.so.2')
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu')
  const wrap = (/** @type {string} */ program, /** @type {string} */ name) => {
    const text = `#!/bin/sh\nexec '${loader}' --library-path '${libraries}' '${program}' "$@"\n`
    writeFileSync(name, text, { mode: 0o755 })
    return name
  }
  const plugins = join(root, 'usr/libexec/docker/cli-plugins')
  for (const name of readdirSync(plugins)) wrap(join(plugins, name), join(folder, 'client/cli-plugins', name))
  return wrap(join(root, 'usr/bin/docker'), join(folder, 'docker'))
}

/** Pulls it; where no registry can be reached, makes it of Debian's packages. @param {Engine} engine @param {string} cache */
export function ensureBaseImage({ docker }, cache) {
  if (docker(['image', 'inspect', BASE_IMAGE]).status === 0) return
  if (docker(['pull', '-q', BASE_IMAGE]).status === 0) return
  const file = join(cache, 'base.tar')
  // Node is there for other tests; the name server is this machine's.
  const excluded = [
    './usr/local/bin/*',
    './usr/local/lib/*',
    './dev/*',
    './proc/*',
    './sys/*',
    './etc/resolv.conf',
    './etc/hosts',
  ]
  must('tar', [
    ...['-C', base(cache), '--numeric-owner', '--one-file-system'],
    ...excluded.map((path) => `--exclude=${path}`),
    ...['-cf', file, '.'],
  ])
  const { status, stderr } = docker(['import', '--change', 'CMD ["bash"]', file, BASE_IMAGE])
  rmSync(file)
  if (status !== 0) throw new Error(`docker import: ${stderr}`)
}

/** @param {string} program @param {string[]} args */
function must(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit ${status}`}`)
}
