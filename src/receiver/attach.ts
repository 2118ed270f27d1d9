// SPDX-License-Identifier: Apache-2.0
/**
 * Which functions of an image get which programs. In: facts about one ELF file. Out: a plan or the reason why not. Pure. Adding
 * a TLS library begins here (CONTRIBUTING "add a TLS library").
 * @module
 */

/** What `inspectElf` of the addon says of one file. */
export interface ImageFacts {
  isElf: boolean
  /** Function name -> file offset. */
  functions: Readonly<Record<string, number>>
}

/** `program`: prefix of the BPF programs `<program>_enter` and `<program>_exit`. */
export interface PlannedFunction {
  program: string
  offset: number
}

export type AttachPlan =
  | { action: 'attach'; library: 'openssl'; functions: PlannedFunction[] }
  /** Not a TLS image at all: say nothing. */
  | { action: 'ignore' }
  /** A TLS image that we cannot read: say so. */
  | { action: 'refuse'; reason: string }

/**
 * OpenSSL's functions (and BoringSSL's and LibreSSL's of the same name) -> our programs. SSL_peek is never hooked. They are
 * attached in this order, and what ends a connection comes last: where it has a probe, everything before it has one.
 */
const OPENSSL_PROGRAMS: Readonly<Record<string, string>> = {
  SSL_write: 'ssl_write',
  SSL_write_ex: 'ssl_write_ex',
  SSL_write_ex2: 'ssl_write_ex2',
  SSL_read: 'ssl_read',
  SSL_read_ex: 'ssl_read_ex',
  SSL_sendfile: 'ssl_sendfile',
  SSL_write_early_data: 'ssl_write_early_data',
  SSL_read_early_data: 'ssl_read_early_data',
  SSL_get_error: 'ssl_get_error',
  SSL_shutdown: 'ssl_shutdown',
  SSL_free: 'ssl_free',
  SSL_clear: 'ssl_clear',
}

/** The names to look for in a file. */
export const WANTED_FUNCTIONS: readonly string[] = Object.keys(OPENSSL_PROGRAMS)

export function planAttach(image: ImageFacts): AttachPlan {
  const has = (name: string): boolean => image.functions[name] !== undefined
  if (!image.isElf || !WANTED_FUNCTIONS.some(has)) return { action: 'ignore' }
  if (!has('SSL_write') || !has('SSL_read'))
    return { action: 'refuse', reason: 'only one direction has a known function' }
  // Two names of one address (LibreSSL, BoringSSL aliases) would fire twice for one call.
  const taken = new Set<number>()
  const functions: PlannedFunction[] = []
  for (const [name, program] of Object.entries(OPENSSL_PROGRAMS)) {
    const offset = image.functions[name]
    if (offset === undefined || taken.has(offset)) continue
    taken.add(offset)
    functions.push({ program, offset })
  }
  return { action: 'attach', library: 'openssl', functions }
}

/** Libraries that carry TLS plaintext but have no programs yet, by file name: blind, and said so. */
const UNREADABLE_LIBRARIES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^libgnutls\.so/, 'GnuTLS'],
  [/^libssl3\.so|^libnspr4\.so/, 'NSS'],
  [/^libmbedtls\.so/, 'Mbed TLS'],
  [/^libwolfssl\.so/, 'wolfSSL'],
]

/** The TLS library behind a path when it is one that the sensor cannot read yet. */
export function unreadableLibrary(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return UNREADABLE_LIBRARIES.find(([pattern]) => pattern.test(name))?.[1]
}
