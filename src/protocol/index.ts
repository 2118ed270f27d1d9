// SPDX-License-Identifier: Apache-2.0
/** The protocol room: requests and responses out of bytes. @module */
export { createProtocol, DEFAULT_PROTOCOL_LIMITS, type ProtocolSettings } from './protocol.js'
