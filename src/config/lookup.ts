// SPDX-License-Identifier: Apache-2.0
/**
 * Who wins: flags over environment over file over defaults, and one signal's word over the general one from the same place. In:
 * the four layers. Out: a setting's text, or its value by its kind. Knows no setting in particular.
 * @module
 */
import type { Signal } from '../exporter/types.js'
import type { FileSettings } from './file-reader.js'
import {
  optionOf,
  signalPath,
  signalVariable,
  type ChoiceOf,
  type KeyOf,
  type Maybe,
  type OptionKey,
} from './options.js'
import type { ConfigInput } from './types.js'
import {
  parseChoice,
  parseDuration,
  parseFlag,
  parseInteger,
  parseList,
  parseSize,
  type Said,
} from './values.js'

export class Lookup {
  constructor(
    readonly input: Pick<ConfigInput, 'flags' | 'env'>,
    readonly file: FileSettings['said'],
    readonly warnings: string[],
  ) {}

  /** What somebody said; a flag or a variable that is empty says nothing. */
  find(key: OptionKey, signal?: Signal): Said | undefined {
    return this.#flag(key) ?? this.#inEnvironment(key, signal) ?? this.#inFile(key, signal)
  }

  /** What was said about this one signal, where that is what counts. */
  findOwn(key: OptionKey, signal: Signal): Said | undefined {
    const said = this.find(key, signal)
    return said === undefined || said.name === this.find(key)?.name ? undefined : said
  }

  env(name: string): Said | undefined {
    const text = this.input.env[name]?.trim()
    return text === undefined || text === '' ? undefined : { name, text, source: 'env' }
  }

  /** The default's text where nobody said anything, if it has one. */
  resolve(key: OptionKey, signal?: Signal): Said | undefined {
    const { default: text } = optionOf(key)
    const fallback: Said | undefined = text === undefined ? undefined : { name: key, text, source: 'default' }
    return this.find(key, signal) ?? fallback
  }

  choice<Key extends KeyOf<'choice'>>(key: Key, signal?: Signal): Maybe<Key, ChoiceOf<Key>> {
    const said = this.resolve(key, signal)
    return (said && parseChoice(said, optionOf(key).choices!)) as Maybe<Key, ChoiceOf<Key>>
  }

  list<Key extends KeyOf<'list'>>(key: Key): ChoiceOf<Key>[] | undefined {
    const said = this.resolve(key)
    return said && (parseList(said, optionOf(key).choices!) as ChoiceOf<Key>[])
  }

  flag(key: KeyOf<'flag'>, signal?: Signal): boolean {
    return parseFlag(this.resolve(key, signal)!, this.warnings)
  }

  integer(key: KeyOf<'integer'>): number {
    const { min, max } = optionOf(key)
    return parseInteger(this.resolve(key)!, min!, max!)
  }

  duration(key: KeyOf<'duration'>, signal?: Signal): number {
    const { min, max } = optionOf(key)
    return parseDuration(this.resolve(key, signal)!, min!, max!)
  }

  size<Key extends KeyOf<'size'>>(key: Key): Maybe<Key, number> {
    const { min, max } = optionOf(key)
    const said = this.resolve(key)
    return (said && parseSize(said, min!, max!)) as Maybe<Key, number>
  }

  text<Key extends KeyOf<'text'>>(key: Key, signal?: Signal): Maybe<Key, string> {
    return this.resolve(key, signal)?.text as Maybe<Key, string>
  }

  #flag(key: OptionKey): Said | undefined {
    const value = this.input.flags[key]
    const text = value === undefined ? '' : String(value).trim()
    return text === '' ? undefined : { name: optionOf(key).flags!.split(' ')[0]!, text, source: 'flag' }
  }

  #inEnvironment(key: OptionKey, signal: Signal | undefined): Said | undefined {
    const { env, isPerSignal } = optionOf(key)
    const own = signal !== undefined && isPerSignal ? env.map((name) => signalVariable(name, signal)) : []
    for (const name of [...own, ...env]) {
      const said = this.env(name)
      if (said) return said
    }
    return undefined
  }

  #inFile(key: OptionKey, signal: Signal | undefined): Said | undefined {
    const { path, isPerSignal } = optionOf(key)
    if (path === undefined) return undefined
    const own = signal !== undefined && isPerSignal ? this.file.get(signalPath(path, signal)) : undefined
    return own ?? this.file.get(path)
  }
}
