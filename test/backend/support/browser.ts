// SPDX-License-Identifier: Apache-2.0
/**
 * A page as a person sees it. In: an address. Out: a picture of it and the text on it, by a headless Chromium with an empty profile.
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FLAGS = [
  '--headless',
  // Tests run as root, and root's Chromium has no sandbox; the only page it sees is Phoenix's.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--window-size=1400,900',
  // So much of the page's own time passes, however fast or slow this machine is.
  '--virtual-time-budget=20000',
]

/** Writes a PNG to `picture`; returns the visible text. */
export function renderPage(url: string, picture: string): string {
  const profile = mkdtempSync(join(tmpdir(), 'oisp-chromium-'))
  try {
    const args = [...FLAGS, `--user-data-dir=${profile}`, `--screenshot=${picture}`, '--dump-dom', url]
    const { status, stdout, stderr } = spawnSync('chromium', args, {
      encoding: 'utf8',
      timeout: 90_000,
      maxBuffer: 64 * 1024 * 1024,
    })
    if (status !== 0) throw new Error(`chromium ended with ${status}:\n${stderr}`)
    return toText(stdout)
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
}

function toText(html: string): string {
  return html
    .replace(/<(script|style)\b[^]*?<\/\1>/g, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
}
