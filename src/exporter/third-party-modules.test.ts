// SPDX-License-Identifier: Apache-2.0
/** Modules by name: what is loaded, and what is refused before a line of it runs. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findDistrust } from './module-trust.js'
import { loadThirdParties } from './third-party-modules.js'

/** Not in /tmp, which everybody may write to; here, packages are loaded as they are installed. */
const PACKAGES = realpathSync(resolve(import.meta.dirname, '../../node_modules'))
const isCheckoutSafe = findDistrust(PACKAGES) === undefined
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(PACKAGES, '.third-party-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const GOOD = `export default (options) => ({
  spanExporters: [{ options, export(spans, done) { done({ code: 0 }) }, async shutdown() {} }],
})`

function write(name: string, text: string, mode = 0o644): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const trusting = { findDistrust: () => undefined }
const load = (module: string, options = {}) => loadThirdParties([{ module, options }], trusting)

describe('a module', () => {
  it('makes its parts from its options', async () => {
    const path = write('good.mjs', GOOD)
    const [parties] = await load(path, { token: 1 })
    expect(parties).toMatchObject({ name: path, spanExporters: [{ options: { token: 1 } }] })
  })

  it('may name its factory, wait in it, or export the parts as they are', async () => {
    const parts = `{ logRecordProcessors: [{ onEmit() {}, async shutdown() {} }] }`
    const named = write('named.mjs', `export const createThirdParties = async () => (${parts})`)
    const plain = write('plain.mjs', `export default ${parts}`)
    for (const path of [named, plain]) expect((await load(path))[0]!.logRecordProcessors).toHaveLength(1)
  })

  it('may be a package beside the sensor', async () => {
    const path = write('good.mjs', GOOD)
    const locate = (name: string): string => {
      expect(name).toBe('@acme/exporter')
      return pathToFileURL(path).href
    }
    const modules = [{ module: '@acme/exporter', options: {} }]
    const [parties] = await loadThirdParties(modules, { ...trusting, resolve: locate })
    expect(parties!.name).toBe('@acme/exporter')
  })

  it.each([
    ['throws', `throw new Error('no')`, /cannot be loaded: Error: no$/],
    ['is no JavaScript', `{{{`, /cannot be loaded: SyntaxError/],
    ['exports nothing', ``, /exports neither createThirdParties nor a default$/],
    [
      'does not start',
      `export default () => { throw new TypeError('token?') }`,
      /did not start: TypeError: token\?$/,
    ],
    ['makes nothing', `export default () => ({})`, /has no processor and no exporter$/],
    ['makes no list', `export default { spanExporters: {} }`, /spanExporters is not a list$/],
    [
      'makes something else',
      `export default { spanProcessors: [{ onEnd() {} }] }`,
      /one of spanProcessors has no shutdown\(\)$/,
    ],
  ])('that %s is refused at start with a sentence', async (_what, text, message) => {
    const loading = load(write('bad.mjs', text))
    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.toMatchObject({ code: 'ERR_EXPORTER_MODULE', exitCode: 2 })
  })

  it('that is not there is refused', async () => {
    await expect(loadThirdParties([{ module: join(folder, 'none.mjs'), options: {} }])).rejects.toThrow(
      /cannot be read \(ENOENT\)$/,
    )
    const locate = (): never => {
      throw Object.assign(new Error(), { code: 'ERR_MODULE_NOT_FOUND' })
    }
    await expect(loadThirdParties([{ module: 'acme', options: {} }], { resolve: locate })).rejects.toThrow(
      'acme is not installed where the sensor is (ERR_MODULE_NOT_FOUND)',
    )
  })

  it('that somebody else could change never runs', async () => {
    const path = write('evil.mjs', `globalThis.hasRun = true`, 0o666)
    await expect(loadThirdParties([{ module: path, options: {} }])).rejects.toThrow(
      /is not loaded: .* (may be written by everybody|belongs to user \d+|may be written by its group)$/,
    )
    expect(globalThis).not.toHaveProperty('hasRun')
  })
})

describe.skipIf(!isCheckoutSafe)('trust', () => {
  const reasonOf = (path: string): string | undefined => findDistrust(path)?.reason

  it('is in files and folders that only we can write', () => {
    expect(reasonOf(write('good.mjs', GOOD))).toBeUndefined()
  })

  it.each([
    [0o664, 'may be written by its group'],
    [0o646, 'may be written by everybody'],
  ])('is not in a file of mode %o', (mode, reason) => {
    expect(reasonOf(write('x.mjs', GOOD, mode))).toBe(reason)
  })

  it.each([
    [0o775, 'may be written by its group'],
    [0o1777, 'may be written by everybody'],
  ])('is not in a folder of mode %o, however deep the file', (mode, reason) => {
    const path = write('x.mjs', GOOD)
    mkdirSync(join(folder, 'open/deep'), { recursive: true })
    const deep = write('open/deep/x.mjs', GOOD)
    chmodSync(join(folder, 'open'), mode)
    expect(findDistrust(deep)).toEqual({ path: join(folder, 'open'), reason })
    // A link there could be changed, whatever it leads to.
    symlinkSync(path, join(folder, 'open/link.mjs'))
    expect(reasonOf(join(folder, 'open/link.mjs'))).toBe(reason)
    symlinkSync(deep, join(folder, 'link.mjs'))
    expect(reasonOf(join(folder, 'link.mjs'))).toBe(reason)
  })

  it('is not in what belongs to another', () => {
    const path = write('x.mjs', GOOD)
    expect(findDistrust(path, new Set([4242]))?.reason).toBe('belongs to user 0')
  })
})
