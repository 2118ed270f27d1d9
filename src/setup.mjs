// SPDX-License-Identifier: Apache-2.0
/**
 * What `npm start`, `npm test` and `npm run demo` do first. In: one of those words. Out: whatever is missing is installed and
 * built, then the sensor, the tests or the demo run. This file only checks the version of Node, in syntax that older ones
 * still read; everything else is in setup/.
 * @module
 */
var MINIMUM_NODE = [20, 19]

var version = process.versions.node.split('.').map(Number)
if (version[0] < MINIMUM_NODE[0] || (version[0] === MINIMUM_NODE[0] && version[1] < MINIMUM_NODE[1])) {
  console.error(
    'oisp-sensor needs Node.js ' + MINIMUM_NODE.join('.') + ' or newer; this is ' + process.version + '.',
  )
  console.error('README.md says how to get it on Debian 12.')
  process.exit(1)
}

import('./setup/actions.mjs')
  .then(function (actions) {
    return actions.perform(process.argv[2], process.argv.slice(3))
  })
  .then(
    function (code) {
      process.exitCode = code
    },
    function (error) {
      console.error('oisp-sensor: ' + (error.isExpected ? error.message : error.stack))
      process.exitCode = 1
    },
  )
