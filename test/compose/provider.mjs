// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The fake providers as a container. In: nothing. Out: their address in a file that the application waits for.
 * @module
 */
import { renameSync, writeFileSync } from 'node:fs'
import { createFakeServer } from '../server/server.mjs'

const { baseUrl, close } = await createFakeServer({})
writeFileSync('/shared/provider.new', baseUrl)
renameSync('/shared/provider.new', '/shared/provider')
process.on('SIGTERM', close)
