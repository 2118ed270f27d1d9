// SPDX-License-Identifier: Apache-2.0
/** The exporter room: where redacted telemetry leaves the process. @module */
export { createConsoleSink, CONSOLE_HEADER, type ConsoleSinkSettings } from './console-sink.js'
export { DEFAULT_DISK_BYTES, openDiskQueue, type DiskQueueSettings } from './disk-queue/index.js'
export { createExporter, type Exporter, type ExporterSettings } from './exporter.js'
export { createFileSink, type FileSinkSettings } from './file-sink.js'
export { createGrpcTransport } from './grpc.js'
export { createHttpTransport, type TransportContext } from './http.js'
export { createMemoryQueue } from './memory-queue.js'
export { displayEndpoint, displayUrl, peerText } from './explain.js'
export {
  createOtlpSink,
  DEFAULT_FLUSH_MS,
  DEFAULT_MAX_RECORD_BYTES,
  DEFAULT_QUEUE_BYTES,
  MAX_REQUEST_BYTES,
  userAgent,
  type OtlpSink,
  type OtlpSinkSettings,
} from './otlp-sink.js'
export { OwnLogExporter, MAX_WAITING_LOG_RECORDS, type OfficialOptions } from './own-log-exporter.js'
export { systemClock } from './clock.js'
export { loadThirdParties, type NamedThirdParties, type ThirdPartyModule } from './third-party-modules.js'
export { createThirdPartySink, type ThirdParties, type ThirdPartySettings } from './third-party-sink.js'
export type {
  Clock,
  EncodedRequest,
  ExporterLog,
  HeldRequest,
  OtlpProtocol,
  OtlpSettings,
  QueueSize,
  RequestQueue,
  ShutdownReport,
  Signal,
  Sink,
  TlsPaths,
  Transport,
} from './types.js'
