// SPDX-License-Identifier: Apache-2.0
/**
 * Child of live.mjs: the sensor with probes on one library only, so that its counters speak of the client alone. In: the path.
 * Out: kernel counters, exchanges and CPU on request.
 * @module
 */
import { createPipeline } from '../../dist/pipeline.js'
import { decodeBatch } from '../../dist/receiver/decode.js'
import { loadAddon } from '../../dist/receiver/index.js'
import { planAttach, WANTED_FUNCTIONS } from '../../dist/receiver/attach.js'
import { createBudget, createStats } from '../../dist/stats.js'
import { pipelineSettings } from './settings.mjs'

const path = process.argv[2]
const addon = loadAddon()
const capture = new addon.Capture({ ringBytes: 32 << 20, wakeupBytes: 256 << 10 })
capture.load()
const image = addon.inspectElf(path, WANTED_FUNCTIONS)
const { functions } = planAttach(image)
capture.attach({ path, device: image.device, inode: image.inode, cookie: 1n, functions })
let complete = 0
const sink = {
  consume(telemetry) {
    for (const { attributes } of telemetry.spans)
      if (attributes['oisp.capture.completeness'] === 'complete') complete++
  },
  tick() {},
  end() {},
}
const pipeline = createPipeline(pipelineSettings(createStats(), createBudget()), sink)
const begin = process.cpuUsage()
capture.start((batch) =>
  decodeBatch(batch, { boottimeToUnixNano: 0n }, (record) => {
    if (record.kind !== 'mapping' && record.kind !== 'duplicate') pipeline.consume(record)
  }),
)
process.send('ready')
process.on('message', async () => {
  const counters = capture.stats()
  await capture.close()
  pipeline.end()
  const { user, system } = process.cpuUsage(begin)
  process.send({ counters, complete, cpuMicroseconds: user + system })
  process.disconnect()
})
