// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Starts the client programs of this folder. In: a client's name, its uniform options, the fake server. Out: the JSON
 * lines it printed, its exit code. Tests, the demo and the recorder start clients only through here. Knows no sensor.
 * @module
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const here = new URL('./', import.meta.url).pathname
const VENV = new URL('../../.cache/python-venv/', import.meta.url).pathname
/** Debian's, never what a version manager put on PATH: its `_ssl` is linked to the system's libssl. */
const SYSTEM_PYTHON = '/usr/bin/python3'

/** Client name → command. The SDK clients of python need `ensurePythonPackages()` first. */
const CLIENTS = /** @type {const} */ ({
  curl: [`${here}shell/curl.sh`],
  'curl-mount-namespace': [`${here}shell/mount-namespace.sh`],
  'curl-overlay': [`${here}shell/overlay.sh`],
  'node-https': [process.execPath, `${here}node/https.mjs`],
  'node-fetch': [process.execPath, `${here}node/fetch.mjs`],
  'node-pipeline': [process.execPath, `${here}node/pipeline.mjs`],
  openai: [process.execPath, `${here}node/openai.mjs`],
  anthropic: [process.execPath, `${here}node/anthropic.mjs`],
  'python-urllib': [SYSTEM_PYTHON, `${here}python/urllib_client.py`],
  'python-threads': [SYSTEM_PYTHON, `${here}python/threads.py`],
  'python-fork': [SYSTEM_PYTHON, `${here}python/fork.py`],
  'python-dlopen': [SYSTEM_PYTHON, `${here}python/dlopen.py`],
  'python-httpx': [`${VENV}bin/python`, `${here}python/httpx_client.py`],
  'python-openai': [`${VENV}bin/python`, `${here}python/openai_client.py`],
  'python-anthropic': [`${VENV}bin/python`, `${here}python/anthropic_client.py`],
})

/**
 * @typedef {keyof typeof CLIENTS} ClientName
 *
 * @typedef {object} WorkloadOptions
 * @property {string} url of the fake server, near or far
 * @property {string} caFile
 * @property {Record<string, string>} [env] added to the client's environment
 * @property {string} [apiKey]
 * @property {number} [deadlineMs] the client is killed and the run fails after this long
 *
 * @typedef {object} Report what a client printed
 * @property {string} client
 * @property {number} pid
 * @property {any[]} calls
 *
 * @typedef {{ exitCode: number | null, reports: Report[], stderr: string }} WorkloadResult
 */

export const CLIENT_NAMES = /** @type {ClientName[]} */ (Object.keys(CLIENTS))

/**
 * The variables by which a user points unmodified clients at another server and authority; nothing of ours is inherited,
 * so a proxy or a certificate folder of this machine cannot change what is on the wire.
 * @param {WorkloadOptions} options
 * @returns {Record<string, string>}
 */
function clientEnvironment({ url, caFile, apiKey = 'sk-fake', env }) {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: process.env['HOME'] ?? '/',
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
    BASE_URL: url,
    API_KEY: apiKey,
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: apiKey,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: apiKey,
    NODE_EXTRA_CA_CERTS: caFile,
    SSL_CERT_FILE: caFile,
    CURL_CA_BUNDLE: caFile,
    ...env,
  }
}

/**
 * A client that waits for its starter (`dlopen`): `lines` yields what it prints, `go` lets it pass its next gate.
 * @param {ClientName} client
 * @param {string[]} args
 * @param {WorkloadOptions} options
 */
export function startWorkload(client, args, options) {
  const [command, ...fixed] = CLIENTS[client]
  const child = spawn(command, [...fixed, ...args], { env: clientEnvironment(options), stdio: 'pipe' })
  const { deadlineMs = 60_000 } = options
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, deadlineMs)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  // A client that has ended no longer reads; its exit code tells.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exit = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(deadline)
      if (isLate) reject(new Error(`${client} did not end within ${deadlineMs} ms: ${stderr}`))
      else resolve(code)
    })
  })
  // Whoever awaits `done` gets the failure; without this line one that comes earlier would end the test process.
  exit.catch(() => {})
  return {
    pid: /** @type {number} */ (child.pid),
    /** @returns {Promise<any>} the next JSON line */
    async nextLine() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${client} ended without a line: ${stderr}`)
      return JSON.parse(value)
    },
    go: () => void child.stdin.write('\n'),
    /** @returns {Promise<WorkloadResult>} */
    async done() {
      const reports = []
      for await (const line of { [Symbol.asyncIterator]: () => lines }) reports.push(JSON.parse(line))
      return { exitCode: /** @type {number | null} */ (await exit), reports, stderr }
    },
  }
}

/**
 * Runs a client to its end.
 * @param {ClientName} client
 * @param {string[]} args
 * @param {WorkloadOptions} options
 */
export function runWorkload(client, args, options) {
  return startWorkload(client, args, options).done()
}

/** Makes `.cache/python-venv` once per content of requirements.txt. Needs Debian's python3-venv and a package index. */
export function ensurePythonPackages() {
  const requirements = `${here}python/requirements.txt`
  const stamp = createHash('sha256').update(readFileSync(requirements)).digest('hex')
  const stampFile = `${VENV}requirements.sha256`
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  rmSync(VENV, { recursive: true, force: true })
  runSetup(SYSTEM_PYTHON, ['-m', 'venv', VENV], 'is the package python3-venv installed?')
  const install = ['install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]
  runSetup(`${VENV}bin/pip`, install, 'is the Python package index reachable?')
  writeFileSync(stampFile, stamp)
}

/** @param {string} command @param {string[]} args @param {string} question */
function runSetup(command, args, question) {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(`python packages: ${command} failed; ${question}\n${error?.message ?? stderr}`)
}
