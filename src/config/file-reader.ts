// SPDX-License-Identifier: Apache-2.0
/**
 * One YAML document → settings by path. In: nodes of the document and the table of options. Out: texts with their places.
 * Knows no file system.
 * @module
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Document,
  type LineCounter,
  type Node,
  type Scalar,
} from 'yaml'
import { SensorError } from '../errors.js'
import { OPTIONS, SIGNALS, signalPath, type OptionSpec } from './options.js'
import { substitute } from './substitute.js'
import { suggest } from './suggest.js'
import type { Environment } from './types.js'
import type { ModuleSettings, Said } from './values.js'

export interface FileSettings {
  said: ReadonlyMap<string, Said>
  warnings: string[]
  /** Headers or options of modules stand in the file itself, not in variables. */
  hasSecrets: boolean
}

interface Position {
  line: number
  col: number
}

export function fileError(
  path: string,
  position: Position | undefined,
  problem: string,
  hint: string,
): SensorError {
  const place = position === undefined ? path : `${path}:${position.line}:${position.col}`
  return new SensorError({ code: 'ERR_CONFIG_FILE', message: `${place}: ${problem}`, hint, exitCode: 2 })
}

/** What may stand where: a branch has names below it, a leaf is a setting. */
type Branch = Map<string, Branch | OptionSpec>

const TREE = buildTree()

function buildTree(): Branch {
  const root: Branch = new Map()
  const add = (path: string, option: OptionSpec): void => {
    const names = path.split('.')
    let branch = root
    for (const name of names.slice(0, -1)) {
      if (!branch.has(name)) branch.set(name, new Map())
      branch = branch.get(name) as Branch
    }
    branch.set(names.at(-1)!, option)
  }
  for (const option of OPTIONS as readonly OptionSpec[]) {
    if (option.path === undefined) continue
    add(option.path, option)
    if (option.isPerSignal) for (const signal of SIGNALS) add(signalPath(option.path, signal), option)
  }
  return root
}

export class FileReader {
  readonly #said = new Map<string, Said>()
  readonly #warnings: string[] = []
  #hasSecrets = false

  constructor(
    readonly file: string,
    readonly lines: LineCounter,
    readonly env: Environment,
  ) {}

  #document!: Document.Parsed

  read(document: Document.Parsed): FileSettings {
    this.#document = document
    this.#readBranch(document.contents, TREE, '')
    return { said: this.#said, warnings: this.#warnings, hasSecrets: this.#hasSecrets }
  }

  #readBranch(found: unknown, branch: Branch, path: string): void {
    const node = this.#resolve(found)
    if (isEmpty(node)) return
    if (!isMap(node))
      throw this.#error(node, `${path || 'the file'} must hold ${[...branch.keys()].join(', ')}`)
    for (const { key, value } of node.items) {
      const name = String((key as Scalar).value ?? '')
      const below = branch.get(name)
      const place = path === '' ? name : `${path}.${name}`
      if (below === undefined) throw this.#unknownKey(key as Node, place, name, branch)
      if (below instanceof Map) this.#readBranch(value, below, place)
      else this.#readSetting(value, below, place)
    }
  }

  #readSetting(found: unknown, option: OptionSpec, path: string): void {
    const node = this.#resolve(found)
    if (isEmpty(node)) return
    const name = this.#nameOf(node, path)
    if (option.kind === 'modules') return this.#put(path, { name, ...this.#readModules(node, path) })
    if (option.kind === 'pairs' && isMap(node)) {
      const pairs = node.items.map(({ key, value }) => this.#readPair(key as Node, value, path, option))
      return this.#put(path, { name, text: pairs.map(({ key }) => key).join(','), pairs })
    }
    if (option.kind === 'list' && isSeq(node)) {
      const texts = node.items.map((item) => this.#readText(item, path, option))
      return this.#put(path, { name, text: texts.join(',') })
    }
    const text = this.#readText(node, path, option).trim()
    if (text !== '') this.#put(path, { name, text })
  }

  #put(path: string, said: Omit<Said, 'source'>): void {
    this.#said.set(path, { ...said, source: 'file' })
  }

  #readPair(key: Node, value: unknown, path: string, option: OptionSpec) {
    const name = String((key as Scalar).value ?? '')
    return {
      name: this.#nameOf(key, `${path}.${name}`),
      key: name,
      value: this.#readText(value, path, option),
    }
  }

  #readText(found: unknown, path: string, option: OptionSpec): string {
    const node = this.#resolve(found)
    if (node === undefined || !isScalar(node))
      throw this.#error(node, `${path} must be ${KIND_WORDS[option.kind]}`, `It is: ${option.description}.`)
    // As it was written: 1_000 and 0o17 are nobody's idea of a size.
    const raw = typeof node.value === 'string' ? node.value : (node.source ?? '')
    const text = this.#substitute(node, raw)
    if (option.isSecret && !/^\$\{[^}]*\}$/.test(raw)) this.#hasSecrets = true
    return text
  }

  #substitute(node: Node, raw: string): string {
    const result = substitute(raw, this.env)
    if ('problem' in result) throw this.#error(node, result.problem, result.hint)
    for (const name of result.unset)
      this.#warnings.push(`${this.#placeOf(node)}: ${name} is not set and counts as empty`)
    return result.text
  }

  #readModules(node: Node, path: string): { text: string; modules: ModuleSettings[] } {
    if (!isSeq(node))
      throw this.#error(node, `${path} must be a list`, 'For example: [{module: /opt/x.mjs, options: {}}].')
    const modules = node.items.map((item) => this.#readModule(item, path))
    return { text: modules.map(({ module }) => module).join(','), modules }
  }

  #readModule(item: unknown, path: string): ModuleSettings {
    const node = this.#resolve(item)
    const names = ['module', 'options']
    if (!isMap(node)) throw this.#error(node, `each entry of ${path} must hold ${names.join(' and ')}`)
    for (const { key } of node.items) {
      const name = String((key as Scalar).value ?? '')
      if (!names.includes(name))
        throw this.#unknownKey(
          key as Node,
          `${path}.${name}`,
          name,
          new Map(names.map((each) => [each, new Map()])),
        )
    }
    const module = this.#resolve(node.get('module', true))
    if (!isScalar(module) || typeof module.value !== 'string' || module.value === '')
      throw this.#error(node, `an entry of ${path} has no module`, 'Give a path or the name of a package.')
    const options = this.#resolve(node.get('options', true))
    if (!isEmpty(options) && !isMap(options))
      throw this.#error(options, `options of ${path} must be a map`, 'They go to the module as they are.')
    this.#hasSecrets ||= isMap(options) && options.items.length > 0
    return { module: this.#substitute(module, module.value), options: this.#readOptions(options) }
  }

  /** Any YAML goes, with variables in all of its texts. */
  #readOptions(node: Node | undefined): Record<string, unknown> {
    if (node === undefined || isEmpty(node)) return {}
    const replace = (value: unknown): unknown => {
      if (typeof value === 'string') return this.#substitute(node, value)
      if (Array.isArray(value)) return value.map(replace)
      if (value === null || typeof value !== 'object') return value
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replace(each)]))
    }
    return replace(node.toJS(this.#document, { maxAliasCount: 100 })) as Record<string, unknown>
  }

  #resolve(found: unknown): Node | undefined {
    if (!isAlias(found)) return (found ?? undefined) as Node | undefined
    const target = found.resolve(this.#document)
    if (target === undefined)
      throw this.#error(found, `*${found.source} is not defined`, 'Define it with &name before.')
    return target
  }

  #unknownKey(node: Node, place: string, name: string, branch: Branch): SensorError {
    const known = [...branch.keys()]
    const near = suggest(name, known) ?? elsewhere(name)
    const hint = near === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${near}?`
    return this.#error(node, `unknown key ${JSON.stringify(place)}`, hint)
  }

  #error(node: Node | undefined, problem: string, hint = 'The reference is otel-config/CONFIGURATION.md.') {
    return fileError(this.file, this.#positionOf(node), problem, hint)
  }

  #nameOf(node: Node, path: string): string {
    return `${this.#placeOf(node)} ${path}`
  }

  #placeOf(node: Node): string {
    const position = this.#positionOf(node)
    return position === undefined ? this.file : `${this.file}:${position.line}:${position.col}`
  }

  #positionOf(node: Node | undefined): Position | undefined {
    const start = node?.range?.[0]
    return start === undefined ? undefined : this.lines.linePos(start)
  }
}

const KIND_WORDS: Readonly<Record<OptionSpec['kind'], string>> = {
  choice: 'one word',
  list: 'a list of words',
  flag: 'true or false',
  integer: 'a whole number',
  duration: 'a time such as 500ms or 10s',
  size: 'a size such as 64KiB or 32MiB',
  text: 'one text',
  pairs: 'a map of names and texts',
  modules: 'a list of modules',
}

/** The right key in the wrong place: `endpoint:` at the top. */
function elsewhere(name: string): string | undefined {
  return OPTIONS.map((option: OptionSpec) => option.path).find((path) => path?.endsWith(`.${name}`))
}

function isEmpty(node: Node | undefined): node is undefined {
  return node === undefined || (isScalar(node) && node.value === null)
}
