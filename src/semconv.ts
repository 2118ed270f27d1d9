// SPDX-License-Identifier: Apache-2.0
/**
 * Every telemetry name that the sensor emits, its type and how sensitive it is. In: nothing. Out: constants and tables.
 * Generated from semconv/ by `npm run gen`; do not edit.
 * @module
 */

export const SCHEMA_URL_GEN_AI = 'https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev'
export const SCHEMA_URL_CORE = 'https://opentelemetry.io/schemas/1.45.0'

export {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_TELEMETRY_DISTRO_NAME,
  ATTR_TELEMETRY_DISTRO_VERSION,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions'

/** Id that the container engine gave to the container that the process runs in. */
export const ATTR_CONTAINER_ID = 'container.id'
/** Where the CPU time went. */
export const ATTR_CPU_MODE = 'cpu.mode'
/** Conversation sent to the model, an array of messages. */
export const ATTR_GEN_AI_INPUT_MESSAGES = 'gen_ai.input.messages'
/** What was asked of the model; chat covers the chat, messages and responses APIs. */
export const ATTR_GEN_AI_OPERATION_NAME = 'gen_ai.operation.name'
/** What the model said, an array of messages, one per choice. */
export const ATTR_GEN_AI_OUTPUT_MESSAGES = 'gen_ai.output.messages'
/** Form of output that the request asked for. */
export const ATTR_GEN_AI_OUTPUT_TYPE = 'gen_ai.output.type'
/** Who served the model, as far as host and API flavour tell. */
export const ATTR_GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name'
/** Candidate answers asked for, when not 1. */
export const ATTR_GEN_AI_REQUEST_CHOICE_COUNT = 'gen_ai.request.choice.count'
/** Penalty on frequent tokens. */
export const ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY = 'gen_ai.request.frequency_penalty'
/** Most tokens the answer may have. */
export const ATTR_GEN_AI_REQUEST_MAX_TOKENS = 'gen_ai.request.max_tokens'
/** Model as named in the request. */
export const ATTR_GEN_AI_REQUEST_MODEL = 'gen_ai.request.model'
/** Penalty on tokens already present. */
export const ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY = 'gen_ai.request.presence_penalty'
/** Reasoning effort exactly as sent. */
export const ATTR_GEN_AI_REQUEST_REASONING_LEVEL = 'gen_ai.request.reasoning.level'
/** Seed for repeatable sampling. */
export const ATTR_GEN_AI_REQUEST_SEED = 'gen_ai.request.seed'
/** Texts at which the model stops; free text of the caller. */
export const ATTR_GEN_AI_REQUEST_STOP_SEQUENCES = 'gen_ai.request.stop_sequences'
/** True when the answer was asked for as a stream; absent otherwise. */
export const ATTR_GEN_AI_REQUEST_STREAM = 'gen_ai.request.stream'
/** Sampling temperature. */
export const ATTR_GEN_AI_REQUEST_TEMPERATURE = 'gen_ai.request.temperature'
/** Sampling is limited to the k likeliest tokens. */
export const ATTR_GEN_AI_REQUEST_TOP_K = 'gen_ai.request.top_k'
/** Nucleus sampling share. */
export const ATTR_GEN_AI_REQUEST_TOP_P = 'gen_ai.request.top_p'
/** Why each choice ended, by position. */
export const ATTR_GEN_AI_RESPONSE_FINISH_REASONS = 'gen_ai.response.finish_reasons'
/** Id of the answer, given by the provider. */
export const ATTR_GEN_AI_RESPONSE_ID = 'gen_ai.response.id'
/** Model that answered, as named in the answer. */
export const ATTR_GEN_AI_RESPONSE_MODEL = 'gen_ai.response.model'
/** Seconds from the first request byte to the first output of a stream. */
export const ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk'
/** Former name of gen_ai.provider.name. */
export const ATTR_GEN_AI_SYSTEM = 'gen_ai.system'
/** Instructions apart from the conversation, an array of parts. */
export const ATTR_GEN_AI_SYSTEM_INSTRUCTIONS = 'gen_ai.system_instructions'
/** Kind of token on usage counters; unknown without a breakdown. */
export const ATTR_GEN_AI_TOKEN_MODALITY = 'gen_ai.token.modality'
/** Direction of tokens on the former histogram. */
export const ATTR_GEN_AI_TOKEN_TYPE = 'gen_ai.token.type'
/** Tools offered to the model. */
export const ATTR_GEN_AI_TOOL_DEFINITIONS = 'gen_ai.tool.definitions'
/** Audio part of the input, when the provider splits it. */
export const ATTR_GEN_AI_USAGE_AUDIO_INPUT_TOKENS = 'gen_ai.usage.audio.input_tokens'
/** Audio part of the output, when the provider splits it. */
export const ATTR_GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS = 'gen_ai.usage.audio.output_tokens'
/** Former name of gen_ai.usage.cache_write.input_tokens. */
export const ATTR_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS = 'gen_ai.usage.cache_creation.input_tokens'
/** Input tokens read from the provider cache. */
export const ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens'
/** Input tokens written to the provider cache. */
export const ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = 'gen_ai.usage.cache_write.input_tokens'
/** All input tokens, cached ones included. */
export const ATTR_GEN_AI_USAGE_INPUT_TOKENS = 'gen_ai.usage.input_tokens'
/** All output tokens, reasoning included. */
export const ATTR_GEN_AI_USAGE_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens'
/** Output tokens spent on reasoning. */
export const ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens'
/** Text part of the input, when the provider splits it. */
export const ATTR_GEN_AI_USAGE_TEXT_INPUT_TOKENS = 'gen_ai.usage.text.input_tokens'
/** CPU architecture of the machine. */
export const ATTR_HOST_ARCH = 'host.arch'
/** Id of the machine. */
export const ATTR_HOST_ID = 'host.id'
/** Name of the machine. */
export const ATTR_HOST_NAME = 'host.name'
/** What the sensor saw of the exchange; what happened is status and error.type. */
export const ATTR_OISP_CAPTURE_COMPLETENESS = 'oisp.capture.completeness'
/** Bytes known lost in this exchange. */
export const ATTR_OISP_CAPTURE_MISSING_BYTES = 'oisp.capture.missing_bytes'
/** x-client-request-id of the client. */
export const ATTR_OISP_CLIENT_REQUEST_ID = 'oisp.client_request_id'
/** Content attributes left out by the exporter to keep the record limit. */
export const ATTR_OISP_CONTENT_DROPPED = 'oisp.content.dropped'
/** UTF-8 bytes of all texts in the input. */
export const ATTR_OISP_CONTENT_INPUT_BYTES = 'oisp.content.input.bytes'
/** Keyed HMAC-SHA256 over instructions, input messages and tool definitions. */
export const ATTR_OISP_CONTENT_INPUT_HMAC = 'oisp.content.input.hmac'
/** Messages in the input. */
export const ATTR_OISP_CONTENT_INPUT_MESSAGE_COUNT = 'oisp.content.input.message_count'
/** Parts of all input messages and instructions. */
export const ATTR_OISP_CONTENT_INPUT_PART_COUNT = 'oisp.content.input.part_count'
/** Tool results handed to the model. */
export const ATTR_OISP_CONTENT_INPUT_TOOL_RESULT_COUNT = 'oisp.content.input.tool_result_count'
/** UTF-8 bytes of all texts in the output. */
export const ATTR_OISP_CONTENT_OUTPUT_BYTES = 'oisp.content.output.bytes'
/** Keyed HMAC-SHA256 over the output messages. */
export const ATTR_OISP_CONTENT_OUTPUT_HMAC = 'oisp.content.output.hmac'
/** Messages in the output. */
export const ATTR_OISP_CONTENT_OUTPUT_MESSAGE_COUNT = 'oisp.content.output.message_count'
/** Parts of all output messages. */
export const ATTR_OISP_CONTENT_OUTPUT_PART_COUNT = 'oisp.content.output.part_count'
/** Tool calls the model asked for. */
export const ATTR_OISP_CONTENT_OUTPUT_TOOL_CALL_COUNT = 'oisp.content.output.tool_call_count'
/** Tools offered to the model. */
export const ATTR_OISP_CONTENT_TOOL_DEFINITION_COUNT = 'oisp.content.tool_definition_count'
/** Content attributes from which parts were left out to keep the size limit. */
export const ATTR_OISP_CONTENT_TRUNCATED = 'oisp.content.truncated'
/** Kind of key used, by its public prefix. */
export const ATTR_OISP_CREDENTIAL_CLASS = 'oisp.credential.class'
/** Keyed hash of the key used. */
export const ATTR_OISP_CREDENTIAL_FINGERPRINT = 'oisp.credential.fingerprint'
/** Which key made the hashes; equal ids make hashes comparable. */
export const ATTR_OISP_REDACTION_KEY_ID = 'oisp.redaction.key_id'
/** Request id that the provider returned in a header. */
export const ATTR_OISP_REQUEST_ID = 'oisp.request_id'
/** API flavour of OpenAI and compatible servers. */
export const ATTR_OPENAI_API_TYPE = 'openai.api.type'
/** Service tier asked for, when not auto. */
export const ATTR_OPENAI_REQUEST_SERVICE_TIER = 'openai.request.service_tier'
/** Service tier that served the call. */
export const ATTR_OPENAI_RESPONSE_SERVICE_TIER = 'openai.response.service_tier'
/** Backend configuration that served the call. */
export const ATTR_OPENAI_RESPONSE_SYSTEM_FINGERPRINT = 'openai.response.system_fingerprint'
/** Distribution. */
export const ATTR_OS_NAME = 'os.name'
/** Kind of operating system. */
export const ATTR_OS_TYPE = 'os.type'
/** Version of the operating system. */
export const ATTR_OS_VERSION = 'os.version'
/** The component's type and a number. */
export const ATTR_OTEL_COMPONENT_NAME = 'otel.component.name'
/** Which kind of SDK component the part of the exporter corresponds to. */
export const ATTR_OTEL_COMPONENT_TYPE = 'otel.component.type'
/** This series takes what came after the cardinality limit was reached. */
export const ATTR_OTEL_METRIC_OVERFLOW = 'otel.metric.overflow'
/** How many arguments the process has. */
export const ATTR_PROCESS_ARGS_COUNT = 'process.args_count'
/** Arguments; hold keys and prompts, so they leave in no mode. */
export const ATTR_PROCESS_COMMAND_ARGS = 'process.command_args'
/** Start of the process, ISO 8601. */
export const ATTR_PROCESS_CREATION_TIME = 'process.creation.time'
/** Base name of the program file. */
export const ATTR_PROCESS_EXECUTABLE_NAME = 'process.executable.name'
/** Path of the program file; the interpreter for a script. */
export const ATTR_PROCESS_EXECUTABLE_PATH = 'process.executable.path'
/** Process id of the parent. */
export const ATTR_PROCESS_PARENT_PID = 'process.parent_pid'
/** Process id in the initial pid namespace. */
export const ATTR_PROCESS_PID = 'process.pid'
/** Numeric id of the effective user. */
export const ATTR_PROCESS_USER_ID = 'process.user.id'
/** Leaves in no mode. */
export const ATTR_PROCESS_WORKING_DIRECTORY = 'process.working_directory'
/** Why, or what kind, from a closed list per metric. */
export const ATTR_REASON = 'reason'
export const EVENT_GEN_AI_CLIENT_INFERENCE_OPERATION_DETAILS = 'gen_ai.client.inference.operation.details'
export const METRIC_GEN_AI_CLIENT_INFERENCE_DURATION = 'gen_ai.client.inference.duration'
export const METRIC_GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK = 'gen_ai.client.inference.time_to_first_chunk'
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS = 'gen_ai.client.inference.usage.input_tokens'
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS = 'gen_ai.client.inference.usage.output_tokens'
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.client.inference.usage.cache_read.input_tokens'
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_WRITE_INPUT_TOKENS = 'gen_ai.client.inference.usage.cache_write.input_tokens'
export const METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.client.inference.usage.reasoning.output_tokens'
export const METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS = 'gen_ai.client.inference.operation.input_tokens'
export const METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS = 'gen_ai.client.inference.operation.output_tokens'
export const METRIC_GEN_AI_CLIENT_OPERATION_DURATION = 'gen_ai.client.operation.duration'
export const METRIC_GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK = 'gen_ai.client.operation.time_to_first_chunk'
export const METRIC_GEN_AI_CLIENT_TOKEN_USAGE = 'gen_ai.client.token.usage'
export const METRIC_OISP_RECORDS_LOST = 'oisp.records.lost'
export const METRIC_OISP_BYTES_LOST = 'oisp.bytes.lost'
export const METRIC_OISP_RECORDS_DROPPED = 'oisp.records.dropped'
export const METRIC_OISP_RECORDINGS_TRUNCATED = 'oisp.recordings.truncated'
export const METRIC_OISP_ATTACHMENTS_RENEWED = 'oisp.attachments.renewed'
export const METRIC_OISP_ATTACHMENTS_REFUSED = 'oisp.attachments.refused'
export const METRIC_OISP_ATTACHMENTS_REMOVED = 'oisp.attachments.removed'
export const METRIC_OISP_WATCHES_FAILED = 'oisp.watches.failed'
export const METRIC_OISP_THREADS_MISSED = 'oisp.threads.missed'
export const METRIC_OISP_PROCESSES_FORGOTTEN = 'oisp.processes.forgotten'
export const METRIC_OISP_GAPS_SEEN = 'oisp.gaps.seen'
export const METRIC_OISP_BYTES_DROPPED = 'oisp.bytes.dropped'
export const METRIC_OISP_CONNECTIONS_DROPPED = 'oisp.connections.dropped'
export const METRIC_OISP_CONNECTIONS_IGNORED = 'oisp.connections.ignored'
export const METRIC_OISP_STREAMS_JOINED = 'oisp.streams.joined'
export const METRIC_OISP_MESSAGES_BROKEN = 'oisp.messages.broken'
export const METRIC_OISP_BYTES_SKIPPED = 'oisp.bytes.skipped'
export const METRIC_OISP_EXCHANGES_ENDED = 'oisp.exchanges.ended'
export const METRIC_OISP_EXCHANGES_IGNORED = 'oisp.exchanges.ignored'
export const METRIC_OISP_EXCHANGES_DECODED = 'oisp.exchanges.decoded'
export const METRIC_OISP_BODIES_UNDECODABLE = 'oisp.bodies.undecodable'
export const METRIC_OISP_BODIES_CUT = 'oisp.bodies.cut'
export const METRIC_OISP_BODIES_DAMAGED = 'oisp.bodies.damaged'
export const METRIC_OISP_EVENTS_DROPPED = 'oisp.events.dropped'
export const METRIC_OISP_CONTENT_DROPPED = 'oisp.content.dropped'
export const METRIC_OISP_SPANS_MADE = 'oisp.spans.made'
export const METRIC_OISP_TRACEPARENTS_IGNORED = 'oisp.traceparents.ignored'
export const METRIC_OISP_TRACESTATES_IGNORED = 'oisp.tracestates.ignored'
export const METRIC_OISP_METRIC_POINTS_OVERFLOWED = 'oisp.metric_points.overflowed'
export const METRIC_OISP_ATTRIBUTES_DROPPED = 'oisp.attributes.dropped'
export const METRIC_OISP_VALUES_REPLACED = 'oisp.values.replaced'
export const METRIC_OISP_CONTENT_WITHHELD = 'oisp.content.withheld'
export const METRIC_OISP_CONTENT_TRUNCATED = 'oisp.content.truncated'
export const METRIC_OISP_LOG_RECORDS_DROPPED = 'oisp.log_records.dropped'
export const METRIC_OISP_METRICS_DROPPED = 'oisp.metrics.dropped'
export const METRIC_OISP_EXPORTER_ITEMS_EXPORTED = 'oisp.exporter.items.exported'
export const METRIC_OISP_EXPORTER_ITEMS_DROPPED = 'oisp.exporter.items.dropped'
export const METRIC_OISP_EXPORTER_CONTENTS_CUT = 'oisp.exporter.contents.cut'
export const METRIC_OISP_EXPORTER_LINES_DROPPED = 'oisp.exporter.lines.dropped'
export const METRIC_OISP_EXPORTER_REQUESTS_RETRIED = 'oisp.exporter.requests.retried'
export const METRIC_OISP_EXPORTER_REQUESTS_REJECTED = 'oisp.exporter.requests.rejected'
export const METRIC_OISP_EXPORTER_REQUESTS_SPLIT = 'oisp.exporter.requests.split'
export const METRIC_OISP_EXPORTER_REQUESTS_DAMAGED = 'oisp.exporter.requests.damaged'
export const METRIC_OISP_EXPORTER_BYTES_DAMAGED = 'oisp.exporter.bytes.damaged'
export const METRIC_OISP_EXPORTER_DISK_OPERATIONS_FAILED = 'oisp.exporter.disk_operations.failed'
export const METRIC_OISP_EXPORTER_THIRD_PARTY_DROPPED = 'oisp.exporter.third_party.dropped'
export const METRIC_OISP_EXPORTER_THIRD_PARTY_FAILED = 'oisp.exporter.third_party.failed'
export const METRIC_OISP_OWN_LOGS_EXPORTED = 'oisp.own_logs.exported'
export const METRIC_OISP_OWN_LOGS_DROPPED = 'oisp.own_logs.dropped'
export const METRIC_OISP_TRANSFERS_CAPTURED = 'oisp.transfers.captured'
export const METRIC_OISP_BYTES_CAPTURED = 'oisp.bytes.captured'
export const METRIC_OISP_PROBES_HIT = 'oisp.probes.hit'
export const METRIC_OISP_CALLS_REPEATED = 'oisp.calls.repeated'
export const METRIC_OISP_RETURNS_ORPHANED = 'oisp.returns.orphaned'
export const METRIC_OISP_FILES_ATTACHED = 'oisp.files.attached'
export const METRIC_OISP_PROCESSES_HOOKED = 'oisp.processes.hooked'
export const METRIC_OISP_PROCESSES_BLIND = 'oisp.processes.blind'
export const METRIC_OISP_BUFFERS_USAGE = 'oisp.buffers.usage'
export const METRIC_OISP_BUFFERS_LIMIT = 'oisp.buffers.limit'
export const METRIC_OISP_EXPORTER_QUEUE_USAGE = 'oisp.exporter.queue.usage'
export const METRIC_OISP_EXPORTER_QUEUE_LIMIT = 'oisp.exporter.queue.limit'
export const METRIC_OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE = 'otel.sdk.processor.span.queue.size'
export const METRIC_OTEL_SDK_PROCESSOR_SPAN_PROCESSED = 'otel.sdk.processor.span.processed'
export const METRIC_OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE = 'otel.sdk.processor.log.queue.size'
export const METRIC_OTEL_SDK_PROCESSOR_LOG_PROCESSED = 'otel.sdk.processor.log.processed'
export const METRIC_OTEL_SDK_EXPORTER_SPAN_INFLIGHT = 'otel.sdk.exporter.span.inflight'
export const METRIC_OTEL_SDK_EXPORTER_SPAN_EXPORTED = 'otel.sdk.exporter.span.exported'
export const METRIC_OTEL_SDK_EXPORTER_LOG_INFLIGHT = 'otel.sdk.exporter.log.inflight'
export const METRIC_OTEL_SDK_EXPORTER_LOG_EXPORTED = 'otel.sdk.exporter.log.exported'
export const METRIC_OTEL_SDK_EXPORTER_METRIC_DATA_POINT_INFLIGHT = 'otel.sdk.exporter.metric_data_point.inflight'
export const METRIC_OTEL_SDK_EXPORTER_METRIC_DATA_POINT_EXPORTED = 'otel.sdk.exporter.metric_data_point.exported'
export const METRIC_PROCESS_CPU_TIME = 'process.cpu.time'
export const METRIC_PROCESS_MEMORY_USAGE = 'process.memory.usage'
export const METRIC_PROCESS_UPTIME = 'process.uptime'

export type Profile = 'genai-dev-1.42' | 'genai-dev-1.42+aliases' | 'legacy-1.41'
/** `self`: of the sensor's own work, in every profile. */
export type MetricFamily = 'pinned' | 'legacy' | 'self'
export type MetricInstrument = 'counter' | 'updowncounter' | 'gauge' | 'histogram'

export interface ProfileRow {
  /** Written beside its pinned name, or instead of it. */
  readonly aliases: readonly { readonly name: string; readonly alias: string; readonly keep: boolean }[]
  readonly metrics: readonly MetricFamily[]
}

export const DEFAULT_PROFILE: Profile = 'genai-dev-1.42+aliases'

export const PROFILES: Readonly<Record<Profile, ProfileRow>> = {
  'genai-dev-1.42': {"aliases":[],"metrics":["pinned"]},
  'genai-dev-1.42+aliases': {"aliases":[{"name":"gen_ai.provider.name","alias":"gen_ai.system","keep":true},{"name":"gen_ai.usage.cache_write.input_tokens","alias":"gen_ai.usage.cache_creation.input_tokens","keep":true}],"metrics":["pinned","legacy"]},
  'legacy-1.41': {"aliases":[{"name":"gen_ai.provider.name","alias":"gen_ai.system","keep":true},{"name":"gen_ai.usage.cache_write.input_tokens","alias":"gen_ai.usage.cache_creation.input_tokens","keep":false}],"metrics":["legacy"]},
}

export type AttributeType = 'string' | 'string[]' | 'int' | 'double' | 'boolean' | 'any'

/**
 * safe: leaves. identity: says who or where; leaves. content: what people and models said; leaves in full mode only.
 * secret: leaves in no mode.
 */
export type Sensitivity = 'safe' | 'identity' | 'content' | 'secret'

/** What a string that somebody else chose must look like, and what leaves when it does not. */
export interface ValuePattern {
  readonly regex: RegExp
  readonly otherwise: 'hash' | 'other' | 'drop'
}

export interface AttributeRow {
  readonly type: AttributeType
  readonly sensitivity: Sensitivity
  readonly pattern?: ValuePattern
  /** Known values; `isClosed`: there are no others. */
  readonly members?: readonly string[]
  readonly isClosed?: boolean
}

const PATTERNS = {
  error_type: { regex: /^(?:[A-Za-z]{1,24}(?:[_.][A-Za-z]{1,24}){0,5}|[1-5][0-9][0-9]|_OTHER)$/u, otherwise: 'other' },
  word: { regex: /^(?:[A-Za-z]{1,24}(?:[_-][A-Za-z]{1,24}){0,5}|_OTHER)$/u, otherwise: 'other' },
  name: { regex: /^[a-z][a-z0-9_-]{0,31}(?:\.[a-z0-9_-]{1,31}){0,3}$/u, otherwise: 'other' },
  model: { regex: /^(?!.*[A-Za-z0-9]{33})[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/u, otherwise: 'hash' },
  identifier: { regex: /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/u, otherwise: 'hash' },
  host: { regex: /^[A-Za-z0-9._:-]{1,253}$/u, otherwise: 'hash' },
  program: { regex: /^[\p{L}\p{N}@._+() -]{1,128}$/u, otherwise: 'hash' },
  path: { regex: /^\/[\p{L}\p{N}@._+()~,:=#/ -]{0,1023}$/u, otherwise: 'hash' },
  user_agent: { regex: /^[A-Za-z0-9 ._/();:,+-]{1,256}$/u, otherwise: 'drop' },
  version: { regex: /^[A-Za-z0-9._+-]{1,64}$/u, otherwise: 'drop' },
  hex: { regex: /^[0-9a-f]{8,64}$/u, otherwise: 'drop' },
  timestamp: { regex: /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}Z$/u, otherwise: 'drop' },
  component: { regex: /^[a-z_]{1,64}\/[0-9]{1,4}$/u, otherwise: 'drop' },
} satisfies Record<string, ValuePattern>

export const ATTRIBUTES: ReadonlyMap<string, AttributeRow> = new Map<string, AttributeRow>([
  ['container.id', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.identifier }],
  ['cpu.mode', { type: 'string', sensitivity: 'safe', members: ['user', 'system'], isClosed: true }],
  ['error.type', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.error_type }],
  ['gen_ai.input.messages', { type: 'any', sensitivity: 'content' }],
  ['gen_ai.operation.name', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name, members: ['chat', 'generate_content', 'text_completion'] }],
  ['gen_ai.output.messages', { type: 'any', sensitivity: 'content' }],
  ['gen_ai.output.type', { type: 'string', sensitivity: 'safe', members: ['text', 'json', 'image', 'speech'], isClosed: true }],
  ['gen_ai.provider.name', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name, members: ['openai', 'anthropic', 'gcp.gen_ai', 'gcp.vertex_ai', 'gcp.gemini', 'cohere', 'azure.ai.inference', 'azure.ai.openai', 'ibm.watsonx.ai', 'aws.bedrock', 'perplexity', 'x_ai', 'deepseek', 'groq', 'mistral_ai', 'moonshot_ai'] }],
  ['gen_ai.request.choice.count', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.request.frequency_penalty', { type: 'double', sensitivity: 'safe' }],
  ['gen_ai.request.max_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.request.model', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.model }],
  ['gen_ai.request.presence_penalty', { type: 'double', sensitivity: 'safe' }],
  ['gen_ai.request.reasoning.level', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.word }],
  ['gen_ai.request.seed', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.request.stop_sequences', { type: 'string[]', sensitivity: 'content' }],
  ['gen_ai.request.stream', { type: 'boolean', sensitivity: 'safe' }],
  ['gen_ai.request.temperature', { type: 'double', sensitivity: 'safe' }],
  ['gen_ai.request.top_k', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.request.top_p', { type: 'double', sensitivity: 'safe' }],
  ['gen_ai.response.finish_reasons', { type: 'string[]', sensitivity: 'safe', pattern: PATTERNS.word }],
  ['gen_ai.response.id', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.identifier }],
  ['gen_ai.response.model', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.model }],
  ['gen_ai.response.time_to_first_chunk', { type: 'double', sensitivity: 'safe' }],
  ['gen_ai.system', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['gen_ai.system_instructions', { type: 'any', sensitivity: 'content' }],
  ['gen_ai.token.modality', { type: 'string', sensitivity: 'safe', members: ['text', 'image', 'audio', 'unknown'], isClosed: true }],
  ['gen_ai.token.type', { type: 'string', sensitivity: 'safe', members: ['input', 'output'], isClosed: true }],
  ['gen_ai.tool.definitions', { type: 'any', sensitivity: 'content' }],
  ['gen_ai.usage.audio.input_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.audio.output_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.cache_creation.input_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.cache_read.input_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.cache_write.input_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.input_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.output_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.reasoning.output_tokens', { type: 'int', sensitivity: 'safe' }],
  ['gen_ai.usage.text.input_tokens', { type: 'int', sensitivity: 'safe' }],
  ['host.arch', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['host.id', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.identifier }],
  ['host.name', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.host }],
  ['http.response.status_code', { type: 'int', sensitivity: 'safe' }],
  ['oisp.capture.completeness', { type: 'string', sensitivity: 'safe', members: ['complete', 'gap', 'attached_mid', 'limit', 'metadata'], isClosed: true }],
  ['oisp.capture.missing_bytes', { type: 'int', sensitivity: 'safe' }],
  ['oisp.client_request_id', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.identifier }],
  ['oisp.content.dropped', { type: 'string[]', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['oisp.content.input.bytes', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.input.hmac', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.hex }],
  ['oisp.content.input.message_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.input.part_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.input.tool_result_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.output.bytes', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.output.hmac', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.hex }],
  ['oisp.content.output.message_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.output.part_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.output.tool_call_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.tool_definition_count', { type: 'int', sensitivity: 'safe' }],
  ['oisp.content.truncated', { type: 'string[]', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['oisp.credential.class', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['oisp.credential.fingerprint', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.hex }],
  ['oisp.redaction.key_id', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.hex }],
  ['oisp.request_id', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.identifier }],
  ['openai.api.type', { type: 'string', sensitivity: 'safe', members: ['chat_completions', 'responses'], isClosed: true }],
  ['openai.request.service_tier', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.word }],
  ['openai.response.service_tier', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.word }],
  ['openai.response.system_fingerprint', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.identifier }],
  ['os.name', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.program }],
  ['os.type', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['os.version', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.version }],
  ['otel.component.name', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.component }],
  ['otel.component.type', { type: 'string', sensitivity: 'safe', members: ['otlp_grpc_span_exporter', 'otlp_http_span_exporter', 'otlp_grpc_log_exporter', 'otlp_http_log_exporter', 'otlp_grpc_metric_exporter', 'otlp_http_metric_exporter', 'batching_span_processor', 'batching_log_processor'], isClosed: true }],
  ['otel.metric.overflow', { type: 'boolean', sensitivity: 'safe' }],
  ['process.args_count', { type: 'int', sensitivity: 'safe' }],
  ['process.command_args', { type: 'string[]', sensitivity: 'secret' }],
  ['process.creation.time', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.timestamp }],
  ['process.executable.name', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.program }],
  ['process.executable.path', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.path }],
  ['process.parent_pid', { type: 'int', sensitivity: 'safe' }],
  ['process.pid', { type: 'int', sensitivity: 'safe' }],
  ['process.user.id', { type: 'int', sensitivity: 'identity' }],
  ['process.working_directory', { type: 'string', sensitivity: 'secret' }],
  ['reason', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['server.address', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.host }],
  ['server.port', { type: 'int', sensitivity: 'safe' }],
  ['service.instance.id', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.identifier }],
  ['service.name', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.program }],
  ['service.version', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.version }],
  ['telemetry.distro.name', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.name }],
  ['telemetry.distro.version', { type: 'string', sensitivity: 'safe', pattern: PATTERNS.version }],
  ['user_agent.original', { type: 'string', sensitivity: 'identity', pattern: PATTERNS.user_agent }],
])

export type RequirementLevel = 'required' | 'conditionally_required' | 'recommended' | 'opt_in'
type Levels = Readonly<Record<string, RequirementLevel>>

export interface SpanRow {
  readonly kind: 'client' | 'internal'
  readonly operations: readonly string[]
  /** The span name is the operation, and this attribute's value when there is one. */
  readonly nameAttribute: string
  readonly attributes: Levels
}

export interface EventRow {
  readonly severityNumber: number
  readonly severityText: string
  readonly attributes: Levels
}

export interface MetricRow {
  readonly instrument: MetricInstrument
  readonly unit: string
  readonly description: string
  readonly family: MetricFamily
  readonly buckets?: readonly number[]
  readonly attributes: Levels
}

const GROUP_OISP_CALL: Levels = { 'gen_ai.operation.name': 'required', 'gen_ai.provider.name': 'required', 'gen_ai.request.model': 'conditionally_required', 'gen_ai.response.model': 'recommended', 'server.address': 'recommended', 'server.port': 'conditionally_required', 'openai.response.service_tier': 'recommended', 'openai.response.system_fingerprint': 'recommended' }

const GROUP_OISP_COUNTED: Levels = { 'reason': 'required' }

const GROUP_OISP_COMPONENT: Levels = { 'otel.component.type': 'recommended', 'otel.component.name': 'recommended' }

const GROUP_OISP_SENDING: Levels = { ...GROUP_OISP_COMPONENT, 'server.address': 'recommended', 'server.port': 'conditionally_required' }

const GROUP_OISP_INFERENCE: Levels = { 'gen_ai.operation.name': 'required', 'gen_ai.provider.name': 'required', 'gen_ai.request.model': 'conditionally_required', 'error.type': 'conditionally_required', 'server.address': 'recommended', 'server.port': 'conditionally_required', 'gen_ai.output.type': 'conditionally_required', 'gen_ai.request.choice.count': 'conditionally_required', 'gen_ai.request.seed': 'conditionally_required', 'gen_ai.request.stream': 'conditionally_required', 'gen_ai.request.top_k': 'conditionally_required', 'gen_ai.request.max_tokens': 'recommended', 'gen_ai.request.temperature': 'recommended', 'gen_ai.request.top_p': 'recommended', 'gen_ai.request.frequency_penalty': 'recommended', 'gen_ai.request.presence_penalty': 'recommended', 'gen_ai.request.stop_sequences': 'recommended', 'gen_ai.request.reasoning.level': 'recommended', 'gen_ai.response.id': 'recommended', 'gen_ai.response.model': 'recommended', 'gen_ai.response.finish_reasons': 'recommended', 'gen_ai.response.time_to_first_chunk': 'recommended', 'gen_ai.usage.input_tokens': 'recommended', 'gen_ai.usage.output_tokens': 'recommended', 'gen_ai.usage.cache_read.input_tokens': 'recommended', 'gen_ai.usage.cache_write.input_tokens': 'recommended', 'gen_ai.usage.reasoning.output_tokens': 'recommended', 'gen_ai.usage.text.input_tokens': 'recommended', 'gen_ai.usage.audio.input_tokens': 'recommended', 'gen_ai.usage.audio.output_tokens': 'recommended', 'openai.api.type': 'recommended', 'openai.request.service_tier': 'conditionally_required', 'openai.response.service_tier': 'conditionally_required', 'openai.response.system_fingerprint': 'recommended', 'gen_ai.system_instructions': 'opt_in', 'gen_ai.input.messages': 'opt_in', 'gen_ai.output.messages': 'opt_in', 'gen_ai.tool.definitions': 'opt_in', 'http.response.status_code': 'recommended', 'user_agent.original': 'recommended', 'oisp.capture.completeness': 'required', 'oisp.capture.missing_bytes': 'conditionally_required', 'oisp.request_id': 'recommended', 'oisp.client_request_id': 'recommended', 'oisp.credential.class': 'recommended', 'oisp.credential.fingerprint': 'recommended', 'oisp.content.input.hmac': 'recommended', 'oisp.content.input.bytes': 'recommended', 'oisp.content.input.message_count': 'recommended', 'oisp.content.input.part_count': 'recommended', 'oisp.content.input.tool_result_count': 'recommended', 'oisp.content.tool_definition_count': 'recommended', 'oisp.content.output.hmac': 'recommended', 'oisp.content.output.bytes': 'recommended', 'oisp.content.output.message_count': 'recommended', 'oisp.content.output.part_count': 'recommended', 'oisp.content.output.tool_call_count': 'recommended', 'oisp.content.truncated': 'recommended', 'oisp.content.dropped': 'recommended', 'oisp.redaction.key_id': 'conditionally_required' }

export const SPANS: ReadonlyMap<string, SpanRow> = new Map<string, SpanRow>([
  ['gen_ai.client.inference', { kind: 'client', operations: ['chat', 'generate_content', 'text_completion'], nameAttribute: 'gen_ai.request.model', attributes: { ...GROUP_OISP_INFERENCE } }],
])

export const EVENTS: ReadonlyMap<string, EventRow> = new Map<string, EventRow>([
  ['gen_ai.client.inference.operation.details', { severityNumber: 5, severityText: 'DEBUG', attributes: { ...GROUP_OISP_INFERENCE } }],
])

export const METRICS: ReadonlyMap<string, MetricRow> = new Map<string, MetricRow>([
  ['gen_ai.client.inference.duration', { instrument: 'histogram', unit: 's', description: 'Duration of model calls, equal to the span', family: 'pinned', buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92], attributes: { ...GROUP_OISP_CALL, 'error.type': 'conditionally_required' } }],
  ['gen_ai.client.inference.time_to_first_chunk', { instrument: 'histogram', unit: 's', description: 'Time to the first output of streamed answers', family: 'pinned', buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92], attributes: { ...GROUP_OISP_CALL } }],
  ['gen_ai.client.inference.usage.input_tokens', { instrument: 'counter', unit: '{token}', description: 'Input tokens billed', family: 'pinned', attributes: { ...GROUP_OISP_CALL, 'gen_ai.token.modality': 'required' } }],
  ['gen_ai.client.inference.usage.output_tokens', { instrument: 'counter', unit: '{token}', description: 'Output tokens billed', family: 'pinned', attributes: { ...GROUP_OISP_CALL, 'gen_ai.token.modality': 'required' } }],
  ['gen_ai.client.inference.usage.cache_read.input_tokens', { instrument: 'counter', unit: '{token}', description: 'Input tokens read from the provider cache', family: 'pinned', attributes: { ...GROUP_OISP_CALL, 'gen_ai.token.modality': 'required' } }],
  ['gen_ai.client.inference.usage.cache_write.input_tokens', { instrument: 'counter', unit: '{token}', description: 'Input tokens written to the provider cache', family: 'pinned', attributes: { ...GROUP_OISP_CALL, 'gen_ai.token.modality': 'required' } }],
  ['gen_ai.client.inference.usage.reasoning.output_tokens', { instrument: 'counter', unit: '{token}', description: 'Output tokens spent on reasoning', family: 'pinned', attributes: { ...GROUP_OISP_CALL, 'gen_ai.token.modality': 'required' } }],
  ['gen_ai.client.inference.operation.input_tokens', { instrument: 'histogram', unit: '{token}', description: 'Input tokens per call', family: 'pinned', buckets: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864], attributes: { ...GROUP_OISP_CALL } }],
  ['gen_ai.client.inference.operation.output_tokens', { instrument: 'histogram', unit: '{token}', description: 'Output tokens per call', family: 'pinned', buckets: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864], attributes: { ...GROUP_OISP_CALL } }],
  ['gen_ai.client.operation.duration', { instrument: 'histogram', unit: 's', description: 'Duration of model calls under its former name', family: 'legacy', buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92], attributes: { ...GROUP_OISP_CALL, 'error.type': 'conditionally_required' } }],
  ['gen_ai.client.operation.time_to_first_chunk', { instrument: 'histogram', unit: 's', description: 'Time to first output under its former name', family: 'legacy', buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92], attributes: { ...GROUP_OISP_CALL } }],
  ['gen_ai.client.token.usage', { instrument: 'histogram', unit: '{token}', description: 'Tokens per call and direction under their former name', family: 'legacy', buckets: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864], attributes: { ...GROUP_OISP_CALL, 'gen_ai.token.type': 'required' } }],
  ['oisp.records.lost', { instrument: 'counter', unit: '{record}', description: 'Capture records that the kernel side could not hand over', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.bytes.lost', { instrument: 'counter', unit: 'By', description: 'Captured bytes that the kernel side could not hand over', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.records.dropped', { instrument: 'counter', unit: '{record}', description: 'Capture records that could not be decoded or met a fault of the sensor', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.recordings.truncated', { instrument: 'counter', unit: '{recording}', description: 'Recordings with a damaged end', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.attachments.renewed', { instrument: 'counter', unit: '{file}', description: 'Files whose probes were set again because they were written in place', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.attachments.refused', { instrument: 'counter', unit: '{file}', description: 'TLS libraries and programs without probes because too many files have them', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.attachments.removed', { instrument: 'counter', unit: '{file}', description: 'Deleted files whose probes were taken away once no process used them', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.watches.failed', { instrument: 'counter', unit: '{file}', description: 'Files with probes that cannot be watched for changes', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.threads.missed', { instrument: 'counter', unit: '{thread}', description: 'Threads of the sensor that kept privileges', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.processes.forgotten', { instrument: 'counter', unit: '{process}', description: 'Processes that fell out of the process table because it was full', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.gaps.seen', { instrument: 'counter', unit: '{gap}', description: 'Holes in streams', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.bytes.dropped', { instrument: 'counter', unit: 'By', description: 'Bytes of a stream that were seen twice', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.connections.dropped', { instrument: 'counter', unit: '{connection}', description: 'Connections given up because of age or of their number', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.connections.ignored', { instrument: 'counter', unit: '{connection}', description: 'Connections that are not read', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.streams.joined', { instrument: 'counter', unit: '{stream}', description: 'Streams whose beginning was not seen', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.messages.broken', { instrument: 'counter', unit: '{message}', description: 'HTTP messages that broke the grammar', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.bytes.skipped', { instrument: 'counter', unit: 'By', description: 'Bytes skipped to find the next message', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exchanges.ended', { instrument: 'counter', unit: '{exchange}', description: 'HTTP exchanges by what was seen of them', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exchanges.ignored', { instrument: 'counter', unit: '{exchange}', description: 'HTTP exchanges that are no call of a model', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exchanges.decoded', { instrument: 'counter', unit: '{exchange}', description: 'Exchanges handed to the decoder of a provider', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.bodies.undecodable', { instrument: 'counter', unit: '{body}', description: 'Bodies whose content coding could not be undone', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.bodies.cut', { instrument: 'counter', unit: '{body}', description: 'Bodies of which a part was not read', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.bodies.damaged', { instrument: 'counter', unit: '{body}', description: 'Bodies that are not what their type says', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.events.dropped', { instrument: 'counter', unit: '{event}', description: 'Events of streamed answers that could not be read', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.content.dropped', { instrument: 'counter', unit: '{part}', description: 'Pieces of an answer that did not fit its limits', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.spans.made', { instrument: 'counter', unit: '{span}', description: 'Exchanges with a model by how completely they were seen', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.traceparents.ignored', { instrument: 'counter', unit: '{header}', description: 'traceparent headers that break the grammar', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.tracestates.ignored', { instrument: 'counter', unit: '{header}', description: 'tracestate headers that break the grammar', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.metric_points.overflowed', { instrument: 'counter', unit: '{data_point}', description: 'Measurements that went to the overflow series', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.attributes.dropped', { instrument: 'counter', unit: '{attribute}', description: 'Attributes that redaction did not let through', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.values.replaced', { instrument: 'counter', unit: '{value}', description: 'Attribute values that redaction replaced', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.content.withheld', { instrument: 'counter', unit: '{attribute}', description: 'Content attributes that safe mode kept back', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.content.truncated', { instrument: 'counter', unit: '{attribute}', description: 'Content attributes shortened to their limit', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.log_records.dropped', { instrument: 'counter', unit: '{log_record}', description: 'Log records that redaction did not let through', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.metrics.dropped', { instrument: 'counter', unit: '{metric}', description: 'Metrics that redaction did not let through', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.items.exported', { instrument: 'counter', unit: '{item}', description: 'Spans, log records and data points that a destination took', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.items.dropped', { instrument: 'counter', unit: '{item}', description: 'Spans, log records and data points that no destination got', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.contents.cut', { instrument: 'counter', unit: '{item}', description: 'Spans and log records whose content was cut to fit a request', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.lines.dropped', { instrument: 'counter', unit: '{line}', description: 'Lines that the screen did not take', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.requests.retried', { instrument: 'counter', unit: '{request}', description: 'Requests that were sent again', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.requests.rejected', { instrument: 'counter', unit: '{request}', description: 'Requests that a destination refused', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.requests.split', { instrument: 'counter', unit: '{request}', description: 'Requests sent again in halves', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.requests.damaged', { instrument: 'counter', unit: '{request}', description: 'Requests in the disk queue that cannot be read back; the least there were', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.bytes.damaged', { instrument: 'counter', unit: 'By', description: 'Bytes in the disk queue that cannot be read back', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.disk_operations.failed', { instrument: 'counter', unit: '{operation}', description: 'Operations on the disk queue that the system refused', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.third_party.dropped', { instrument: 'counter', unit: '{item}', description: 'Spans and log records that a third party\'s processor or exporter did not get', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.exporter.third_party.failed', { instrument: 'counter', unit: '{call}', description: 'Calls of a third party\'s processor or exporter that threw', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.own_logs.exported', { instrument: 'counter', unit: '{log_record}', description: 'Lines of the operational log that a destination took', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.own_logs.dropped', { instrument: 'counter', unit: '{log_record}', description: 'Lines of the operational log that stand on standard error only', family: 'self', attributes: { ...GROUP_OISP_COUNTED } }],
  ['oisp.transfers.captured', { instrument: 'counter', unit: '{call}', description: 'Calls of TLS libraries that moved bytes to copy', family: 'self', attributes: {  } }],
  ['oisp.bytes.captured', { instrument: 'counter', unit: 'By', description: 'Bytes that these calls moved; oisp.bytes.lost is a part of them', family: 'self', attributes: {  } }],
  ['oisp.probes.hit', { instrument: 'counter', unit: '{hit}', description: 'Entries and returns of functions with probes', family: 'self', attributes: {  } }],
  ['oisp.calls.repeated', { instrument: 'counter', unit: '{call}', description: 'Entries seen twice because two probes stand on one function', family: 'self', attributes: {  } }],
  ['oisp.returns.orphaned', { instrument: 'counter', unit: '{call}', description: 'Returns of calls that began before the probes were set', family: 'self', attributes: {  } }],
  ['oisp.files.attached', { instrument: 'updowncounter', unit: '{file}', description: 'Files that have probes', family: 'self', attributes: {  } }],
  ['oisp.processes.hooked', { instrument: 'updowncounter', unit: '{process}', description: 'Processes with TLS that are seen', family: 'self', attributes: {  } }],
  ['oisp.processes.blind', { instrument: 'updowncounter', unit: '{process}', description: 'Processes with TLS that are not seen, or not entirely', family: 'self', attributes: {  } }],
  ['oisp.buffers.usage', { instrument: 'updowncounter', unit: 'By', description: 'Captured bytes held until their exchange is complete', family: 'self', attributes: {  } }],
  ['oisp.buffers.limit', { instrument: 'updowncounter', unit: 'By', description: 'The most that may be held', family: 'self', attributes: {  } }],
  ['oisp.exporter.queue.usage', { instrument: 'updowncounter', unit: 'By', description: 'Bytes that wait for a destination, requests under way included', family: 'self', attributes: {  } }],
  ['oisp.exporter.queue.limit', { instrument: 'updowncounter', unit: 'By', description: 'The most that may wait; the queue is bounded by bytes, so the conventions\' capacity in items has no value', family: 'self', attributes: {  } }],
  ['otel.sdk.processor.span.queue.size', { instrument: 'updowncounter', unit: '{span}', description: 'Items that wait to be put into a request', family: 'self', attributes: { ...GROUP_OISP_COMPONENT } }],
  ['otel.sdk.processor.span.processed', { instrument: 'counter', unit: '{span}', description: 'Items that left the queue for a request, or with error.type found no room in it', family: 'self', attributes: { ...GROUP_OISP_COMPONENT, 'error.type': 'conditionally_required' } }],
  ['otel.sdk.processor.log.queue.size', { instrument: 'updowncounter', unit: '{log_record}', description: 'Items that wait to be put into a request', family: 'self', attributes: { ...GROUP_OISP_COMPONENT } }],
  ['otel.sdk.processor.log.processed', { instrument: 'counter', unit: '{log_record}', description: 'Items that left the queue for a request, or with error.type found no room in it', family: 'self', attributes: { ...GROUP_OISP_COMPONENT, 'error.type': 'conditionally_required' } }],
  ['otel.sdk.exporter.span.inflight', { instrument: 'updowncounter', unit: '{span}', description: 'Items in requests under way or waiting for the next attempt', family: 'self', attributes: { ...GROUP_OISP_SENDING } }],
  ['otel.sdk.exporter.span.exported', { instrument: 'counter', unit: '{span}', description: 'Items whose export has ended; with error.type, in failure', family: 'self', attributes: { ...GROUP_OISP_SENDING, 'error.type': 'conditionally_required' } }],
  ['otel.sdk.exporter.log.inflight', { instrument: 'updowncounter', unit: '{log_record}', description: 'Items in requests under way or waiting for the next attempt', family: 'self', attributes: { ...GROUP_OISP_SENDING } }],
  ['otel.sdk.exporter.log.exported', { instrument: 'counter', unit: '{log_record}', description: 'Items whose export has ended; with error.type, in failure', family: 'self', attributes: { ...GROUP_OISP_SENDING, 'error.type': 'conditionally_required' } }],
  ['otel.sdk.exporter.metric_data_point.inflight', { instrument: 'updowncounter', unit: '{data_point}', description: 'Items in requests under way or waiting for the next attempt', family: 'self', attributes: { ...GROUP_OISP_SENDING } }],
  ['otel.sdk.exporter.metric_data_point.exported', { instrument: 'counter', unit: '{data_point}', description: 'Items whose export has ended; with error.type, in failure', family: 'self', attributes: { ...GROUP_OISP_SENDING, 'error.type': 'conditionally_required' } }],
  ['process.cpu.time', { instrument: 'counter', unit: 's', description: 'CPU time of the sensor', family: 'self', attributes: { 'cpu.mode': 'required' } }],
  ['process.memory.usage', { instrument: 'updowncounter', unit: 'By', description: 'Physical memory of the sensor', family: 'self', attributes: {  } }],
  ['process.uptime', { instrument: 'gauge', unit: 's', description: 'Time since the sensor\'s process started', family: 'self', attributes: {  } }],
])

export const ENTITIES: ReadonlyMap<string, Levels> = new Map<string, Levels>([
  ['oisp.observed_process', { 'process.pid': 'required', 'process.creation.time': 'required', 'service.name': 'required', 'telemetry.distro.name': 'required', 'telemetry.distro.version': 'required', 'process.parent_pid': 'recommended', 'process.executable.name': 'recommended', 'process.executable.path': 'recommended', 'process.user.id': 'recommended', 'process.args_count': 'recommended', 'container.id': 'recommended', 'host.name': 'recommended', 'host.id': 'recommended', 'host.arch': 'recommended', 'os.type': 'recommended', 'os.name': 'recommended', 'os.version': 'recommended' }],
  ['oisp.sensor', { 'service.name': 'required', 'service.version': 'recommended', 'service.instance.id': 'recommended', 'host.name': 'recommended', 'host.id': 'recommended', 'host.arch': 'recommended', 'os.type': 'recommended', 'os.name': 'recommended', 'os.version': 'recommended', 'process.pid': 'recommended', 'telemetry.distro.name': 'recommended', 'telemetry.distro.version': 'recommended' }],
])

/** Undefined for a key that is not ours to emit. */
export function attributeType(key: string): AttributeType | undefined {
  return ATTRIBUTES.get(key)?.type
}
