// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/**
 * capture.h -> src/receiver/layout.ts: the offsets are what the C compiler says they are. `--check` fails on drift.
 * Knows just enough C to find the names of enums, structs and fields; needs `cc`.
 * @module
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const header = new URL('capture.h', import.meta.url).pathname
const target = new URL('../src/receiver/layout.ts', import.meta.url).pathname
const source = readFileSync(header, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')

const constants = [...source.matchAll(/^#define (CAPTURE_\w+|CLOSE_\w+) /gm)].map((m) => m[1])
const enums = [...source.matchAll(/enum (\w+) \{([^}]*)\}/g)].map((m) => ({
  name: m[1],
  members: [...m[2].matchAll(/(\w+) = /g)].map((member) => member[1]),
}))
const structs = [...source.matchAll(/struct (\w+) \{([^}]*)\}/g)]
  .map((m) => ({
    name: m[1],
    body: m[2],
    fields: [...m[2].matchAll(/(\w+)(?:\[\w*\])?;/g)].map((field) => field[1]),
  }))
  .filter(isOfRecord)

/** What travels in the ring buffer: records, and what stands in them. The other structs are read in C++ alone. */
function isOfRecord({ name }, _index, all) {
  const isRecord = (text) => text.endsWith('_record')
  return isRecord(name) || all.some((outer) => isRecord(outer.name) && outer.body.includes(`struct ${name} `))
}

function printer() {
  const lines = [`#include <stddef.h>`, `#include <stdio.h>`, `#include "${header}"`, 'int main(void) {']
  const put = (text, ...values) =>
    lines.push(`printf(${JSON.stringify(text)}${values.map((v) => `, ${v}`).join('')});`)
  for (const name of constants) put(`export const ${name} = %ld\n`, `(long)${name}`)
  for (const { name, members } of enums) {
    put(`\n/** enum ${name} */\nexport const ${name.toUpperCase()} = {\n`)
    for (const member of members) put(`  ${member}: %d,\n`, member)
    put('} as const\n')
  }
  for (const { name, fields } of structs) {
    put(
      `\n/** struct ${name}: byte offsets; SIZE without a trailing array. */\nexport const ${name.toUpperCase()} = {\n`,
    )
    put(`  SIZE: %zu,\n`, `sizeof(struct ${name})`)
    for (const field of fields) put(`  ${field}: %zu,\n`, `offsetof(struct ${name}, ${field})`)
    put('} as const\n')
  }
  lines.push('return 0; }')
  return lines.join('\n')
}

function generate() {
  const folder = mkdtempSync(join(tmpdir(), 'oisp-layout-'))
  try {
    writeFileSync(join(folder, 'layout.c'), printer())
    execFileSync('cc', ['-o', join(folder, 'layout'), join(folder, 'layout.c')])
    const body = execFileSync(join(folder, 'layout'), { encoding: 'utf8' })
    return `// SPDX-License-Identifier: Apache-2.0\n/** Generated from bpf/capture.h by \`npm run gen\`: never edit. @module */\n${body}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const wanted = generate()
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== wanted) {
    console.error('src/receiver/layout.ts does not match bpf/capture.h: run `npm run gen`')
    process.exit(1)
  }
} else {
  writeFileSync(target, wanted)
}
