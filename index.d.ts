/**
 * Exports the traces of Flue agents and workflows to Braintrust.
 *
 * A drop-in for the `braintrust` package in Flue's Braintrust guide: the same names, the same
 * variables. No function throws when tracing fails; set `FLUE_BRAINTRUST_STRICT=1` to make
 * `initLogger` (and, without a native binary, the import) throw.
 */

/**
 * Options of `initLogger`. All are optional; a blank value counts as omitted. The type parameter is that of the
 * `braintrust` package, and has no effect.
 */
export interface InitLoggerOptions<_IsAsyncFlush extends boolean = boolean> {
  /** The API key. Default: `BRAINTRUST_API_KEY`, then `.env.braintrust`. */
  apiKey?: string | undefined;
  /** The project's name; created if it does not exist. Default: `BRAINTRUST_PROJECT_NAME`, else `Flue`. */
  projectName?: string | undefined;
  /** The project's id; wins over its name. Default: `BRAINTRUST_PROJECT_ID`. */
  projectId?: string | undefined;
  /** The organisation, for keys that belong to several. Default: `BRAINTRUST_ORG_NAME`, else the first. */
  orgName?: string | undefined;
  /** The URL of the app, for the login. Default: `BRAINTRUST_APP_URL`, else `https://www.braintrust.dev`. */
  appUrl?: string | undefined;
  /** The URL of the API, for the rows. Default: `BRAINTRUST_API_URL`, else the one that the login returns. */
  apiUrl?: string | undefined;
  /**
   * How long process exit may wait for delivery, in milliseconds; 0 does not wait.
   * Default: `FLUE_BRAINTRUST_EXIT_TIMEOUT_MS`, else 2000.
   */
  exitTimeoutMs?: number | undefined;
  /**
   * The timeout of one request, in milliseconds. A request that times out is retried.
   * Default: `FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS`, else 30,000.
   */
  requestTimeoutMs?: number | undefined;
  /**
   * The most bytes of one request. A smaller limit of the server wins. Default:
   * `BRAINTRUST_MAX_REQUEST_SIZE`, else the server's limit, else 6 MiB.
   */
  maxRequestBytes?: number | undefined;
  /**
   * The format of messages: `openai` for OpenAI chat completions, which Braintrust shows best; `flue` for
   * Flue's own. Default: `FLUE_BRAINTRUST_MESSAGES`, else `openai`.
   */
  messages?: 'openai' | 'flue' | undefined;
  /**
   * The messages in the input of a model turn. `auto`: all of them while the input has at most `maxFullInputBytes`,
   * else the system prompt, a line about the earlier messages, and the new ones; `full`: all; `delta`: those that are
   * new since the conversation's previous turn. Default: `FLUE_BRAINTRUST_TURN_INPUT`, else `auto`.
   */
  turnInput?: 'auto' | 'full' | 'delta' | undefined;
  /**
   * The most bytes of a full input, as JSON, with `turnInput: 'auto'`.
   * Default: `FLUE_BRAINTRUST_MAX_FULL_INPUT_BYTES`, else 131,072 (128 KiB).
   */
  maxFullInputBytes?: number | undefined;
  /**
   * Which content is exported. `false`: only structure, times, usage, ids and names. Omitted parts are exported.
   * Default: `FLUE_BRAINTRUST_CONTENT`, else `true`.
   */
  content?: boolean | ContentOptions | undefined;
  /**
   * Whether images and files in content are uploaded as Braintrust attachments, each content once. Otherwise a
   * placeholder with type, size and hash stands for them. Default: `FLUE_BRAINTRUST_ATTACHMENTS`, else `false`.
   */
  attachments?: boolean | undefined;
  /**
   * Redaction rules. Applied natively to every string and every member name of every field, before a row is
   * queued, spooled or sent. Invalid rules disable tracing. Default: the comma-separated builtins of
   * `FLUE_BRAINTRUST_REDACT`, else none.
   */
  redact?: RedactOptions | undefined;
  /**
   * The most bytes of JSON in one field of a span, or in one member of its `metadata`. A larger value is cut, and a
   * mark states its size. Default: `FLUE_BRAINTRUST_MAX_FIELD_BYTES`, else only the limit of a request.
   */
  maxFieldBytes?: number | undefined;
  /**
   * Whether a run or a submission that an HTTP request with a `traceparent` started joins the caller's trace, as a
   * child of the caller's span. Needs `braintrustFlueInstrumentation`. Default:
   * `FLUE_BRAINTRUST_DISTRIBUTED_TRACING`, else `false`: it has a trace of its own, with `flue.traceparent` in its
   * metadata.
   */
  distributedTracing?: boolean | undefined;
  /** Whether Flue's `log` events are exported with their spans. Default: `FLUE_BRAINTRUST_LOGS`, else `true`. */
  logs?: boolean | undefined;
  /**
   * The most bytes that wait in memory for delivery. A full queue refuses new spans and counts them as lost.
   * Default: `FLUE_BRAINTRUST_MAX_QUEUE_BYTES`, else 64 MiB.
   */
  maxQueueBytes?: number | undefined;
  /**
   * A directory that keeps undelivered rows and a snapshot of open spans on disk. The next process delivers the
   * rows, resumes the spans that Flue recovers, and closes the others. `true` means `.flue-braintrust` in the
   * working directory. Default: `FLUE_BRAINTRUST_SPOOL_DIR`, else no spool.
   */
  spool?: boolean | SpoolOptions | undefined;
  /**
   * In a Worker: a function that returns, within each event, the storage of the Durable Object that runs; or an object
   * with `get`, `put`, `delete` and `list`, if only one Durable Object records in this isolate. It keeps the rows
   * that are not confirmed and a snapshot of open spans; the next event, or `flush()` in an alarm, sends them. One
   * instance at a time may use it. The function must return the same object for all events of one Durable Object.
   * A later `initLogger` with the same settings may leave it out. Default: none. Ignored on Node.
   */
  storage?: EdgeStorage | (() => object | null | undefined) | undefined;
  /**
   * Whether SIGTERM, SIGINT, SIGHUP and, on Windows, SIGBREAK deliver rows, for at most `exitTimeoutMs`, before they end
   * the process. For programs without listeners of their own; listeners of the application stay responsible for ending
   * the process.
   * Only in the main thread. Default: `false`, no listener.
   */
  handleSignals?: boolean | undefined;
  /**
   * Called for each diagnostic of the logger, and of loggers without an `onError`, within a second, in addition to the
   * line on stderr. Errors that it throws are ignored. It does not keep the process alive.
   */
  onError?: ((diagnostic: Diagnostic) => void) | undefined;
  /**
   * Called once for the logger, after the login has stated where its traces go; the logger then logs in at once, before
   * the first event. Not called while Braintrust cannot be reached or refuses the key; both are diagnostics. What it
   * throws or rejects with is ignored. It does not keep the process alive. In a Worker, the first delivery logs in.
   */
  onReady?: ((info: ReadyInfo) => void) | undefined;

  /** Tags of every trace, on its root. Default: `FLUE_BRAINTRUST_TAGS`, comma-separated; else none. */
  tags?: readonly string[] | undefined;
  /**
   * Metadata of every trace, on its root. The root's own members take precedence. Default: `FLUE_BRAINTRUST_METADATA`,
   * as JSON or as `team=a,tier=b`; else none.
   */
  metadata?: Record<string, unknown> | undefined;
  /**
   * The environment that the application runs in, such as `production`: `metadata.environment` of every trace. Also in
   * the form of the `braintrust` package. Default: `FLUE_BRAINTRUST_ENVIRONMENT`, else the variables of that
   * package, `BRAINTRUST_ENVIRONMENT_NAME` or `BRAINTRUST_ENVIRONMENT_TYPE`, else none.
   */
  environment?:
    string | { type?: string | undefined; name?: string | undefined } | null | undefined;
  /**
   * The release of the application: `metadata.release` of every trace. `true`: the commit, as the variable of a CI or
   * hosting service states it. Default: `FLUE_BRAINTRUST_RELEASE`, else none.
   */
  release?: string | boolean | undefined;
  /**
   * Called with the event that begins a trace, once for each trace in a process; what it returns is added to the root.
   * It must be fast and not async: after three calls of more than 50 ms it is no longer called. If it throws, or
   * returns something other than tags and metadata, that is left out with a warning.
   */
  enrich?: ((event: any) => TraceFields | null | undefined) | undefined;

  /**
   * The share of traces that is recorded, from 0 to 1. It depends on the id of the trace alone: every process, attempt
   * and host with the same share records the same traces, whole. Default: `FLUE_BRAINTRUST_SAMPLE_RATE`, else 1.
   */
  sampleRate?: number | undefined;
  /**
   * Called for the root of each trace; `true` records the trace, `false` leaves it out. It must be fast and not async,
   * and decide alike in each process. Default: none, `sampleRate` decides.
   */
  sample?: ((root: SampledRoot) => boolean) | undefined;
  /**
   * Whether a trace that is left out is recorded after all if a span in it fails: its spans wait in bounded memory until
   * its root ends. Default: `FLUE_BRAINTRUST_KEEP_ERRORS`, else `false`.
   */
  keepErrors?: boolean | undefined;

  /** Whether the logger becomes the current one. Default: `true`. */
  setCurrent?: boolean | undefined;

  /** Options of the `braintrust` package without a meaning here: accepted and ignored. */
  asyncFlush?: boolean | undefined;
  debugLogLevel?: unknown;
  disableSpanCache?: boolean | undefined;
  fetch?: unknown;
  forceLogin?: boolean | undefined;
  noExitFlush?: boolean | undefined;
  onFlushError?: unknown;
  orgProjectMetadata?: unknown;
  state?: unknown;
}

/** Where the traces of a logger go. Holds neither a key nor content. */
export interface ReadyInfo {
  /** The project's name; null if the configuration names the project by its id. */
  readonly projectName: string | null;
  /** The project's id. */
  readonly projectId: string;
  /** The organisation; null without a login, which `projectId` and `apiUrl` together make unnecessary. */
  readonly orgName: string | null;
  /** The address of the project's logs in Braintrust; null without an organisation. */
  readonly link: string | null;
  /** The directory of the spool; `storage` in a Worker with that option; null without one. */
  readonly spool: string | null;
  /** The share of traces that is recorded, unless `sample` decides. */
  readonly sampleRate: number;
  /** Whether a trace that is left out is recorded after all if it fails. */
  readonly keepErrors: boolean;
}

/** What an application adds to the root of a trace. */
export interface TraceFields {
  /** At most 64 tags of at most 256 characters. */
  tags?: readonly string[] | undefined;
  /** Metadata; at most 16,384 characters as JSON. */
  metadata?: Record<string, unknown> | undefined;
  /** The user: `metadata.user`. */
  user?: unknown;
  /** The session: `metadata.session`. */
  session?: unknown;
}

/** The root of a trace that begins. */
export interface SampledRoot {
  /** The id of its row. */
  readonly id: string;
  /** The id of the trace. */
  readonly rootSpanId: string;
  /** Whether `sampleRate` records the trace. */
  readonly isSampled: boolean;
  /** The event that begins it: Flue's `run_start` or `operation_start`, or a `span_start` with `span` of a custom span. */
  readonly event: any;
}

/** Which content is exported; all default to `true`. */
export interface ContentOptions {
  /** The input of runs, operations, tools, tasks, models and custom spans, and a run's `metadata`. */
  input?: boolean | undefined;
  /** Their output, log lines, and all other fields of custom spans except the name and the metrics that Braintrust defines. */
  output?: boolean | undefined;
  /** The system prompt. */
  systemPrompt?: boolean | undefined;
  /** The tool definitions that a model gets. */
  tools?: boolean | undefined;
  /** The reasoning of a model. */
  reasoning?: boolean | undefined;
  /** The messages and stacks of errors. Their class and code are always exported. */
  errors?: boolean | undefined;
}

/** The name of a built-in pattern. */
export type Builtin =
  | 'api-keys'
  | 'bearer-tokens'
  | 'credentials'
  | 'credit-cards'
  | 'emails'
  | 'ip-addresses'
  | 'jwts'
  | 'private-keys';

/** Redaction rules. JSON inside of strings, such as the arguments of a tool call, is redacted decoded. */
export interface RedactOptions {
  /** Names of members whose whole value is replaced, at any depth. Case, punctuation and spaces are ignored. */
  keys?: readonly string[] | undefined;
  /**
   * Paths of members whose whole value is replaced: the field and the names of members, joined by dots. Lists have
   * no names: `input.content` is the content of each message. `*` matches one name, `**` any number of names, even
   * none.
   */
  paths?: readonly string[] | undefined;
  /**
   * Regular expressions whose matches are replaced. They match what they match in JavaScript, in linear time.
   * Look-around, back-references, `\p{…}` and the flag `y` are rejected.
   */
  patterns?: readonly (string | RegExp)[] | undefined;
  /** Built-in patterns whose matches are replaced. */
  builtins?: readonly Builtin[] | undefined;
  /** The replacement. Default: `[redacted]`. */
  replacement?: string | undefined;
}

/** Options of the spool. */
export interface SpoolOptions {
  /** The directory. Default: `FLUE_BRAINTRUST_SPOOL_DIR`, else `.flue-braintrust` in the working directory. */
  dir?: string | undefined;
  /** The most bytes on disk for the rows of one process; the oldest are evicted. Default: 256 MiB. */
  maxBytes?: number | undefined;
  /** How long undelivered rows are kept, in milliseconds. Default: 7 days. */
  maxAgeMs?: number | undefined;
  /** Whether files are synced to disk, to survive a crash of the machine. Takes time for each file. Default: false. */
  fsync?: boolean | undefined;
}

/** A key-value storage, such as that of a Durable Object. Values are `Uint8Array`s of at most 100,000 bytes. */
export interface EdgeStorage {
  get(key: string, options?: any): unknown;
  put(key: string, value: any, options?: any): unknown;
  delete(key: string, options?: any): unknown;
  /** All entries whose keys begin with `prefix`: a `Map`, pairs, or the keys alone, as a KV namespace lists them. */
  list(options?: any): unknown;
}

/** Why rows were lost. */
export type LossReason =
  | 'queue_full'
  | 'unreadable_event'
  | 'no_span'
  | 'invalid_feedback'
  | 'rejected'
  | 'too_large'
  | 'unauthorized'
  | 'not_delivered_at_exit'
  | 'closed'
  | 'engine_failed'
  | 'spool_full'
  | 'spool_expired'
  | 'spool_damaged';

/** A problem with the tracing. The application runs on. */
export interface Diagnostic {
  /** Starts with `FLUE_BRAINTRUST_`; docs/troubleshooting.md lists the codes. */
  readonly code: string;
  /** What happened and what to do. Never holds a key or content. */
  readonly message: string;
  /** The reason of a loss. */
  readonly reason?: LossReason;
  /** The rows of a loss. */
  readonly rows?: number;
  /** The attachments of a loss. */
  readonly attachments?: number;
}

/** @deprecated The earlier name of {@link Diagnostic}. */
export type Trouble = Diagnostic;

/**
 * Delivery counters. While nothing is in flight, `accepted = sent + pending + spooled +` the sum of `lost`.
 */
export interface Accounts {
  /** Accepted for delivery. */
  readonly accepted: number;
  /** Confirmed by Braintrust. */
  readonly sent: number;
  /** In memory: queued or in flight. */
  readonly pending: number;
  /** In the spool only. At process exit: everything that the spool keeps for the next process. */
  readonly spooled: number;
  /** Lost, by reason. Reasons that did not occur are absent. */
  readonly lost: Readonly<Partial<Record<LossReason, number>>>;
}

/** Counters in rows. A span takes one or more, merged while they wait; a refused event counts as one. */
export interface Stats extends Accounts {
  /** Flue events that were recorded. */
  readonly events: number;
  /** The delivery counters in bytes of the rows' JSON. */
  readonly bytes: Accounts;
  /** Rows with a part of their content replaced by a mark. */
  readonly cut: number;
  /**
   * Spans that sampling left out, not traces: a trace of five spans counts five. Feedback about such a trace counts as
   * well. They are neither accepted nor lost.
   */
  readonly sampled: number;
  /** Uploads, including retries. */
  readonly requests: number;
  /** Uploads that were retries. */
  readonly retries: number;
  /** Bytes of confirmed request bodies. */
  readonly bytesSent: number;
  /** Spans that are open. */
  readonly openSpans: number;
  /** The attachments, with `attachments: true`. */
  readonly attachments: AttachmentStats;
  /** The last error; null without one. */
  readonly lastError: string | null;
}

/** Counters of attachments, each content once: `accepted = uploaded + pending +` the sum of `lost`. */
export interface AttachmentStats {
  /** Attachments that rows refer to, and those for which there was no room. */
  readonly accepted: number;
  /** Uploads that Braintrust confirmed. */
  readonly uploaded: number;
  /** Attachments that wait for their upload or are in flight. */
  readonly pending: number;
  /** Attachments lost, by reason. */
  readonly lost: Readonly<Partial<Record<LossReason, number>>>;
  /** Bytes of uploaded attachments. */
  readonly bytes: number;
}

/** How a flush ended. */
export interface FlushReport extends Stats {
  /**
   * Whether everything accepted before the call was delivered or lost before the timeout. Rows that a spool keeps
   * for the next process are not delivered.
   */
  readonly complete: boolean;
}

/**
 * Members of arguments of the `braintrust` package without a meaning here: accepted and ignored. Nothing waits for
 * delivery, and no result becomes a promise.
 */
export interface IgnoredArgs {
  asyncFlush?: boolean | undefined;
  state?: unknown;
}

export interface FlushOptions extends Pick<IgnoredArgs, 'state'> {
  /** The timeout in milliseconds. Default: 10,000. */
  timeoutMs?: number | undefined;
}

/**
 * A logger: one destination, with its own key, project, queue, counters and spool. The result of `initLogger`. Without
 * a key it records nothing, and its functions only run their callbacks. The type parameter is that of the `braintrust`
 * package, and has no effect.
 */
export interface Logger<_IsAsyncFlush extends boolean = boolean> extends Exportable {
  readonly kind: 'logger';
  /** Whether spans are delivered in the background: always. */
  readonly asyncFlush: true;
  /**
   * Runs a function within a span of this logger, a child of the current one if that is of this logger, else the root of
   * a new trace, and ends the span when the function returns or its promise settles. In the function, `traced`,
   * `startSpan` and `currentSpan` of the package refer to the span.
   */
  traced<R>(callback: (span: Span) => R, args?: StartSpanArgs & SetCurrentArg): R;
  /**
   * Starts a child of the current span if that is of this logger, else a new trace; with `args.parent`, a span of that
   * trace.
   */
  startSpan(args?: StartSpanArgs): Span;
  /** Records a trace of one span. Returns the id of its row. The options are those of the `braintrust` package: ignored. */
  log(event: FirstEvent, _options?: { allowConcurrentWithSpans?: boolean | undefined }): string;
  /** The id of the project, once it is known; empty if the login fails. */
  readonly id: Promise<string>;
  /** The project, once its id is known. The name is empty if the configuration names the project by its id. */
  readonly project: Promise<{ id: string; name: string }>;
  /** The project as a string, for the `parent` of the `braintrust` package. */
  export(): Promise<string>;
  /** The same as {@link updateSpan}, of this logger. */
  updateSpan(event: UpdatedSpan & SpanEvent & Pick<IgnoredArgs, 'state'>): void;
  /** The same as {@link logFeedback}, sent to this logger. */
  logFeedback(event: FeedbackTarget & Feedback): void;
  /** The same as {@link logScores}, sent to this logger. */
  logScores(event: FeedbackTarget & Feedback & Required<Pick<Feedback, 'scores'>>): void;
  /** The same as {@link flueSpan}, of this logger. */
  flueSpan(ids: FlueIds): Span;
  /** The same as {@link permalink}, of this logger. */
  permalink(target: string | Span | FlueIds, options?: PermalinkOptions): Promise<string>;
  /**
   * The observer of this logger, always the same function, for Flue's `observe(...)` or `instrument(...)`: every event
   * that it receives goes to this logger.
   */
  observer(): ((event: unknown, context?: unknown) => void) & FlueInstrumentation;
  /** Waits for this logger's rows; see {@link flush}. */
  flush(options?: FlushOptions | null): Promise<FlushReport>;
  /** The counters of this logger. */
  stats(): Stats;
  /**
   * Closes open spans as interrupted, delivers until the timeout, and refuses events until `initLogger` is called with
   * the same options again. Never rejects.
   */
  close(options?: FlushOptions | null): Promise<FlushReport>;
}

/**
 * Returns the logger of these options; the same one as long as it is in use. Makes no request and starts no thread; the
 * first event does. It becomes the current one, which the functions of the package use, unless `setCurrent` is `false`.
 * Earlier loggers stay usable, and what began with one goes on there: spans, their children, and Flue's work.
 */
export declare function initLogger<_IsAsyncFlush extends boolean = boolean>(
  options?: InitLoggerOptions,
): Logger;

/** The logger of the innermost `withLogger`, else the one that `initLogger` set last; undefined if it records nothing. */
export declare function currentLogger<_IsAsyncFlush extends boolean = boolean>(
  options?: IgnoredArgs,
): Logger | undefined;

export declare const withLogger: {
  /**
   * Runs a function within which a logger is the current one, including its async calls. Spans of other loggers are not
   * parents there. Returns the function's result.
   */
  <R>(logger: Logger, callback: (logger: Logger) => R): R;
  /** @deprecated The form of the `braintrust` package: calls the function with the result of `initLogger(options)`. */
  <R>(callback: (logger: Logger) => R, options?: InitLoggerOptions): R;
  /** @deprecated The same with the type parameters of the `braintrust` package, the first of which has no effect. */
  <_IsAsyncFlush extends boolean, R>(
    callback: (logger: Logger) => R,
    options?: InitLoggerOptions,
  ): R;
};

/**
 * Records one Flue event with the current logger, or with the one that its run or submission began with; pass it to
 * Flue's `observe(...)`. Returns at once and never throws. Does nothing before `initLogger`. It is an instrumentation
 * as well, for Flue's `instrument(...)`.
 */
export declare const braintrustFlueObserver: ((event: unknown, context?: unknown) => void) &
  FlueInstrumentation;

/** The operation that a Flue interceptor wraps. */
export interface FlueOperation {
  readonly type: string;
  readonly toolCallId?: string | undefined;
  readonly toolName?: string | undefined;
  readonly turnId?: string | undefined;
  readonly operationId?: string | undefined;
  readonly runId?: string | undefined;
}

/** The ids of the work that a Flue interceptor wraps. */
export interface FlueOperationContext {
  readonly turnId?: string | undefined;
  readonly operationId?: string | undefined;
  readonly runId?: string | undefined;
  readonly submissionId?: string | undefined;
  readonly dispatchId?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly traceCarrier?:
    { readonly traceparent: string; readonly tracestate?: string } | undefined;
}

/** The argument of Flue's `instrument(...)`. */
export interface FlueInstrumentation {
  key: symbol;
  observe(event: unknown, context?: unknown): void;
  interceptor<T>(
    operation: FlueOperation,
    ctx: FlueOperationContext,
    next: () => Promise<T>,
  ): Promise<T>;
  /** Flushes. */
  dispose(): Promise<void>;
}

/**
 * The observer for Flue's `instrument(...)` (1.0-beta and 2.x). In addition it follows Flue's work through async
 * calls: operations without the id of their caller (in actions and harness tools) and custom spans become children
 * of the tool call that runs. It never delays or changes the work.
 */
export declare function braintrustFlueInstrumentation(): FlueInstrumentation;

/** Braintrust's span types. */
export type SpanType =
  | 'task'
  | 'llm'
  | 'tool'
  | 'function'
  | 'score'
  | 'eval'
  | 'automation'
  | 'facet'
  | 'preprocessor'
  | 'classifier'
  | 'review';

/** Fields of a span. Repeated updates merge objects at any depth and collect tags. */
export interface SpanEvent {
  input?: unknown;
  output?: unknown;
  expected?: unknown;
  /** The error; an `Error` is shown with its stack. */
  error?: unknown;
  /** Metadata by name. */
  metadata?: Record<string, unknown> | undefined;
  /** Numbers between 0 and 1 by name. */
  scores?: Record<string, number | null | undefined> | undefined;
  /**
   * Numbers by name; anything else is left out with a warning. `start` and `end` are its times, in seconds since the
   * epoch. A custom span whose `end` is stated has ended; a later one moves it. Those of Flue's spans are ignored, except
   * by `updateSpan`.
   */
  metrics?: Record<string, unknown> | undefined;
  tags?: readonly string[] | undefined;
  /** The name, the type and other attributes; see {@link StartSpanArgs.spanAttributes}. */
  span_attributes?: Record<string, unknown> | undefined;
}

/** The first update of a span. */
export interface FirstEvent extends SpanEvent {
  /** The id of the row: 32 lowercase hexadecimal digits that begin with those of the span. Default: random. */
  id?: string | undefined;
}

/** W3C headers, as {@link extractTraceContextFromHeaders} returns them. */
export type PropagationContext = Record<string, string>;

/** The ids of a parent, and of its trace. Of several parents, a span has the first. */
export type ParentSpanIds =
  { spanId: string; rootSpanId: string } | { parentSpanIds: readonly string[]; rootSpanId: string };

export interface StartSpanArgs {
  /** Default: `root`, or `subspan` for a child. */
  name?: string | undefined;
  type?: SpanType | undefined;
  /** More attributes; a `name` or a `type` among them wins. The others are omitted while a masking function is set. */
  spanAttributes?: Record<string, unknown> | undefined;
  /** The start time in seconds since the epoch, 1970 to 9999. Default: now; so is anything else, with a warning. */
  startTime?: number | undefined;
  /**
   * The parent, as returned by `span.export()` of this package or of the `braintrust` package, or the W3C headers of a
   * request. Default: the current span. Anything else is ignored with a warning. A span whose parent is in an experiment
   * is also in that experiment. With what the `export()` of a logger or an experiment returned, a trace begins there.
   */
  parent?: string | PropagationContext | undefined;
  /** The parent by its ids, unless `parent` names one. */
  parentSpanIds?: ParentSpanIds | undefined;
  /** The span's id: 16 lowercase hexadecimal digits. Default: random. */
  spanId?: string | undefined;
  /**
   * An update that the span and all its descendants get. Those below a slug get it without files and redacted, and
   * not at all if a masking function is set. Default: that of the parent.
   */
  propagatedEvent?: SpanEvent | undefined;
  /** The first update. */
  event?: FirstEvent | undefined;
}

export interface EndSpanArgs {
  /**
   * The end time in seconds since the epoch, 1970 to 9999. Default: now; so is anything else, with a warning. A time
   * before the start of the span counts as the start.
   */
  endTime?: number | undefined;
}

/** Options of functions that run within a span. */
export interface SetCurrentArg {
  /** Whether the span is the current one while the function runs. Default: `true`. */
  setCurrent?: boolean | undefined;
}

/** What can be the parent of spans in another process. */
export interface Exportable {
  /** What it is as a string, for the `parent` of {@link startSpan}. */
  export(): Promise<string>;
}

/** A custom span, or one of Flue's. No method throws when tracing fails. */
export interface Span extends Exportable {
  readonly kind: 'span';
  /** The row's id. */
  readonly id: string;
  readonly spanId: string;
  readonly rootSpanId: string;
  /** The ids of its parents; empty for spans of Flue's. */
  readonly spanParents: string[];
  /** Adds fields to the span. */
  log(event: SpanEvent): void;
  /** Records feedback about the span; see {@link logFeedback}. */
  logFeedback(event: Feedback): void;
  /** Sets the name, the type or other attributes. */
  setAttributes(args: Omit<StartSpanArgs, 'event'>): void;
  /**
   * Runs work of Flue under this span: what the receipt of `dispatch`, or of a workflow's invocation, names. Takes the
   * receipt, a promise of it, or its id, and returns it: for a promise, one that settles alike, to be awaited in its
   * place. Call it on the promise that `dispatch` returns, or as soon as that has resolved. Needed on 1.0-beta, and
   * where Flue runs in another async context; see {@link withParent}.
   */
  adopt<T>(work: T): T;
  /** Runs a function within a child of this span; see {@link traced}. */
  traced<R>(callback: (span: Span) => R, args?: StartSpanArgs & SetCurrentArg): R;
  /** Starts a child of this span; see {@link startSpan}. */
  startSpan(args?: StartSpanArgs): Span;
  /** Ends the span and returns the end time in seconds since the epoch. Later calls change nothing. Flue ends its own spans. */
  end(args?: EndSpanArgs): number;
  /** The same as `end`. */
  close(args?: EndSpanArgs): number;
  /** The span's ids as a string, for `parent` in this or another process, or in the `braintrust` package. */
  export(): Promise<string>;
  /** Writes the span's trace context to the headers of an outgoing call; see {@link injectTraceContext}. */
  inject<T extends object>(carrier?: T): T;
  /** The span's address in Braintrust, as far as known: the login returns the organisation. */
  link(): string;
  /** The span's address, once the organisation is known. */
  permalink(): Promise<string>;
  /** Waits for the rows of the span's logger. */
  flush(): Promise<void>;
}

/**
 * The current span: the innermost custom span, else Flue's, if the exporter was registered by `instrument(...)`.
 * Otherwise, and without a key, a no-op span.
 */
export declare function currentSpan(options?: Pick<IgnoredArgs, 'state'>): Span;

/**
 * Starts a child of the current span, or a new trace. It does not become the current span, and ends by `end()` or
 * with the process.
 */
export declare function startSpan<_IsAsyncFlush extends boolean = boolean>(
  args?: StartSpanArgs & IgnoredArgs,
): Span;

/**
 * Runs a function within a span and ends the span when the function returns or its promise settles. Returns the
 * function's result; records and rethrows its error. Without a key it only runs the function.
 */
export declare function traced<R>(
  callback: (span: Span) => R,
  args?: StartSpanArgs & SetCurrentArg & IgnoredArgs,
): R;
/** The same with the type parameters of the `braintrust` package, the first of which has no effect. */
export declare function traced<_IsAsyncFlush extends boolean, R>(
  callback: (span: Span) => R,
  args?: StartSpanArgs & SetCurrentArg & IgnoredArgs,
): R;

/**
 * Wraps a function so that each call runs within a span with the arguments as input and the result as output, unless
 * `noTraceIO` is set. The span is named after the function by default. The span of a generator function begins and ends
 * with its first and its last step, and has the values that it yields (at most 1000) as output.
 */
export declare function wrapTraced<
  F extends (...args: any[]) => any,
  _IsAsyncFlush extends boolean = boolean,
>(
  fn: F,
  args?: StartSpanArgs & SetCurrentArg & IgnoredArgs & { noTraceIO?: boolean | undefined },
): F;

/**
 * Runs a function within which a span is the current one, including its async calls; with {@link NOOP_SPAN}, none is.
 * Does not end the span. Returns the function's result.
 */
export declare function withCurrent<R>(
  span: Span,
  callback: (span: Span) => R,
  _state?: unknown,
): R;

/**
 * Runs a function within which, including its async calls, a span is the parent: of spans, and of the submissions and
 * workflow runs of Flue that the function begins. The parent is a span, what the `export()` of a span returned in any
 * process, even of the `braintrust` package, or the W3C headers of a request. Flue's work then goes where the parent is:
 * to its logger, or its experiment. Returns the function's result, and binds the work of Flue if that is its receipt.
 */
export declare function withParent<R>(
  parent: Span | string | PropagationContext,
  callback: (parent: Span) => R,
  _state?: unknown,
): R;

/**
 * The W3C trace context in the headers of a request, for `parent`; undefined without a valid `traceparent`. Takes an
 * object, `Headers`, a request or a list of pairs.
 */
export declare function extractTraceContextFromHeaders(
  headers: object | null | undefined,
): PropagationContext | undefined;

/** Records a trace of one span with the current logger. Returns the id of its row; an empty one without a logger. */
export declare function log(event: FirstEvent): string;

/** The span that an update is about: what its `export()` returned, or the id of its row and, if known, of its trace. */
export type UpdatedSpan =
  | { exported: string }
  | { id: string; span_id?: string | undefined; root_span_id?: string | undefined };

/** Adds fields to a span of this package, recorded by any process. */
export declare function updateSpan(
  event: UpdatedSpan & SpanEvent & Pick<IgnoredArgs, 'state'>,
): void;

/** The same as {@link wrapTraced}. */
export declare const traceable: typeof wrapTraced;

/** The span of an application without tracing: it accepts every call and does nothing. */
export declare const NOOP_SPAN: Span;

/** The link of {@link NOOP_SPAN}. */
export declare const NOOP_SPAN_PERMALINK: string;

/** The beginning of a link that cannot be made. */
export declare const ERR_PERMALINK: string;

export interface AttachmentParams {
  /**
   * The content, or on Node the path of a file, which is read at once. At most 5 MiB.
   */
  data: string | ArrayBuffer | ArrayBufferView | Blob;
  filename: string;
  contentType: string;
}

/**
 * A file in the content of a span. Uploaded if the option `attachments` is set; otherwise a placeholder with its type,
 * size and hash stands for it.
 */
export declare class Attachment {
  constructor(params: AttachmentParams);
  readonly reference: {
    readonly type: 'braintrust_attachment';
    readonly filename: string;
    readonly content_type: string;
    /** An id of this object alone: what is uploaded has a key that derives from its content. */
    readonly key: string;
  };
  /** The file, once it is read. */
  data(): Promise<Blob>;
  /**
   * Its state, once it is read: `uploading`, or `error` if it cannot be read or is too large. Uploads nothing by itself: the
   * row that has the file does. Never rejects.
   */
  upload(): Promise<{ upload_status: 'uploading' | 'done' | 'error'; error_message?: string }>;
  /** Its reference, and its size or why there is none. */
  debugInfo(): Record<string, unknown>;
}

/** The names that the `braintrust` package has for types of this one. */
export type ExperimentLogPartialArgs = SpanEvent;
export type LogFeedbackFullArgs = { id: string } & Feedback;
export type IdField = { id: string };
export type InputField = { input: unknown };
/** The functions by which a library makes spans. */
export type SpanContext = {
  currentSpan: typeof currentSpan;
  startSpan: typeof startSpan;
  withCurrent: typeof withCurrent;
  NOOP_SPAN: typeof NOOP_SPAN;
};
/** The result of a function of the `braintrust` package, which is a promise unless `asyncFlush` is true. */
export type PromiseUnless<B, R> = B extends true ? R : Promise<Awaited<R>>;

/** Records an error in a span. */
export declare function logError(span: Span, error: unknown): void;

/**
 * Writes the trace context of the current span to the headers of an outgoing call, so that the callee can join the
 * trace: `traceparent`, `baggage` (keeping other members), and the caller's `tracestate`. Takes and returns an
 * object, `Headers`, a request of Node's, a reply of Fastify's or a list of pairs. Without a span it changes nothing.
 */
export declare function injectTraceContext<T extends object = Record<string, string>>(
  carrier?: T,
  options?: { span?: Span | undefined },
): T;

/**
 * Flue's ids of one of its spans: those of its run, or of its submission or dispatch, and for a span below that root one
 * of the other ids.
 */
export interface FlueIds {
  /** A workflow run. */
  runId?: string | undefined;
  /** A submission, as the receipt of Flue's `dispatch` and the response to an HTTP request name it. */
  submissionId?: string | undefined;
  /** A dispatch on 1.0-beta. */
  dispatchId?: string | undefined;
  /** The conversation: needed for keyed submissions (`sub_ik_…`), whose ids may repeat on another database. */
  conversationId?: string | undefined;
  /** An operation below the root, or outside of a run and a submission. */
  operationId?: string | undefined;
  /** A model turn. */
  turnId?: string | undefined;
  /** A tool call, of the turn `turnId`. */
  toolCallId?: string | undefined;
  /** A delegated task. */
  taskId?: string | undefined;
}

/** The span that feedback is about, by one of its ids. `id` is used first, then `span`. */
export interface FeedbackTarget extends FlueIds {
  /** The id of the span's row: `span.id`. */
  id?: string | undefined;
  /** The span, or what its `export()` returned, in any process. */
  span?: Span | string | undefined;
}

/** What is known about a span afterwards. One of `scores`, `expected`, `comment` and `tags` is needed. */
export interface Feedback {
  /** Numbers between 0 and 1 by name; booleans count as 0 and 1, `null` removes a score. */
  scores?: Record<string, number | boolean | null | undefined> | undefined;
  /** The output that would have been right. */
  expected?: unknown;
  /** A remark, shown with the span. */
  comment?: string | undefined;
  /** Tags, added to those of the span. */
  tags?: readonly string[] | undefined;
  /** Metadata of the feedback, such as the id of the user who gave it. */
  metadata?: Record<string, unknown> | undefined;
  /** Where the feedback comes from. Default: `external`. */
  source?: 'app' | 'api' | 'external' | undefined;
}

export interface PermalinkOptions extends Pick<IgnoredArgs, 'state'> {
  /** The organisation. Default: that of the logger, which it knows after its login. */
  orgName?: string | undefined;
  /** The URL of the app. Default: that of the logger. */
  appUrl?: string | undefined;
}

/**
 * Records feedback about a span: the user's scores, the expected output, tags, a comment. The span may have been
 * recorded by any process at any time, and may still run: its ids follow from Flue's. Delivered, masked and counted like
 * spans. Never throws; what cannot be used is counted as `invalid_feedback`, with a warning.
 */
export declare function logFeedback(event: FeedbackTarget & Feedback): void;

/** Records scores that a program has computed about a span: `logFeedback` with `source: 'api'` by default. */
export declare function logScores(
  event: FeedbackTarget & Feedback & Required<Pick<Feedback, 'scores'>>,
): void;

/**
 * The span of Flue's with these ids, recorded by any process: its ids, its link, and functions that add to it. Without
 * an id below the run or the submission it is their root. Its `rootSpanId` is that of a trace of its own, unless this
 * process knows that the work runs under a span of the application. Without a key, or ids, a no-op span.
 */
export declare function flueSpan(ids: FlueIds): Span;

/**
 * The address of a span in Braintrust, once the organisation is known: of what its `export()` returned in any process, of
 * a span, or of a span of Flue's by its ids.
 */
export declare function permalink(
  target: string | Span | FlueIds,
  options?: PermalinkOptions,
): Promise<string>;

/**
 * Receives the value of one field of a span, as it would be sent, and returns the value to send instead. `undefined`
 * omits the field. It must not be async.
 */
export type MaskingFunction = (value: any) => unknown;

/**
 * Sets the masking function, which every span passes before any byte of it leaves the process or reaches the disk;
 * `null` removes it, and traces that are open at that time still pass it. Called once for each field of a span, with the
 * whole field: `input`, `output`, `expected`, `metadata`, `context`, `scores`, `metrics`, and, unlike the `braintrust`
 * package's, `error`, `tags`, the span's name, and the comment and the metadata of feedback. When it throws, or returns
 * a value of the wrong shape, a mark replaces the field and names only the class of the error or the value. Ids, the
 * span's type, and its start and end times are not masked. Set it before the first event: earlier events may be in
 * flight.
 */
export declare function setMaskingFunction(mask: MaskingFunction | null): void;

/**
 * Waits until everything that the current logger accepted before the call is delivered or lost, or the timeout passes.
 * Never rejects.
 */
export declare function flush(options?: FlushOptions | null): Promise<FlushReport>;

/** The counters of the current logger; all zero before `initLogger`. */
export declare function stats(): Stats;

/**
 * Closes the open spans of the current logger as interrupted, delivers until the timeout, and refuses events until
 * `initLogger` is called again. Never rejects.
 */
export declare function close(options?: FlushOptions | null): Promise<FlushReport>;
