/**
 * Exports the traces of Flue agents and workflows to Braintrust.
 *
 * A drop-in replacement for the `braintrust` package in Flue's Braintrust guide: the same names and variables. No
 * function throws because of tracing, except with `FLUE_BRAINTRUST_STRICT=1`: then `initLogger` throws if it cannot
 * start, and the import throws if there is no native binary.
 */

/** Settings of `initLogger`. All are optional here; blank values count as unset. Limits: docs/configuration.md. */
export interface InitLoggerOptions {
  /** API key. Default: `BRAINTRUST_API_KEY`, then `.env.braintrust`; one of them is required. */
  apiKey?: string | undefined;
  /** Project that receives the traces; created if missing. Default: `BRAINTRUST_PROJECT_NAME`, else `Flue`. */
  projectName?: string | undefined;
  /** UUID of the project; overrides `projectName`. Default: `BRAINTRUST_PROJECT_ID`. */
  projectId?: string | undefined;
  /** Organisation. Default: `BRAINTRUST_ORG_NAME`, else the first organisation of the key. */
  orgName?: string | undefined;
  /** URL of the login. Default: `BRAINTRUST_APP_URL`, else `https://www.braintrust.dev`. */
  appUrl?: string | undefined;
  /** URL that receives rows. Default: `BRAINTRUST_API_URL`, else the one that the login returns. */
  apiUrl?: string | undefined;
  /**
   * Longest time in milliseconds that the exit of the process waits for delivery, at most 600,000; 0 does not wait.
   * Default: `FLUE_BRAINTRUST_EXIT_TIMEOUT_MS`, else 2000.
   */
  exitTimeoutMs?: number | undefined;
  /**
   * Timeout of one request in milliseconds, at most 600,000; then it is retried. 0 means the default. Default:
   * `FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS`, else 30,000.
   */
  requestTimeoutMs?: number | undefined;
  /**
   * Maximum size of one request in bytes, never above the server's limit. Default: `BRAINTRUST_MAX_REQUEST_SIZE`, else
   * the server's limit, else 6 MiB.
   */
  maxRequestBytes?: number | undefined;
  /**
   * Format of messages: `openai` for OpenAI chat completions, which Braintrust displays best; `flue` for Flue's own
   * format. Default: `FLUE_BRAINTRUST_MESSAGES`, else `openai`.
   */
  messages?: 'openai' | 'flue' | undefined;
  /**
   * Messages in the input of a model turn: `full` records all; `delta` records those that the previous turn of the
   * conversation did not have. Default: `FLUE_BRAINTRUST_TURN_INPUT`, else `full`.
   */
  turnInput?: 'full' | 'delta' | undefined;
  /**
   * Content policy. `false` sends only structure, times, usage, ids and names; an object excludes parts. Default:
   * `FLUE_BRAINTRUST_CONTENT`, else `true`.
   */
  content?: boolean | ContentOptions | undefined;
  /**
   * Redaction rules. They apply to every string and member name in every field, before anything is queued, written to
   * disk or sent. Invalid rules disable tracing. Default: the comma-separated builtins in `FLUE_BRAINTRUST_REDACT`,
   * else none.
   */
  redact?: RedactOptions | undefined;
  /**
   * Maximum JSON size in bytes of one field of a span, or of one member of its `metadata`; at least 128. Longer values
   * are truncated and marked with their size. Default: `FLUE_BRAINTRUST_MAX_FIELD_BYTES`, else unlimited.
   */
  maxFieldBytes?: number | undefined;
  /**
   * Whether a run or submission joins the trace of its caller if the HTTP request has a `traceparent`. Requires
   * `braintrustFlueInstrumentation`. If `false`, it has its own trace, and `flue.traceparent` records the caller.
   * Default: `FLUE_BRAINTRUST_DISTRIBUTED_TRACING`, else `false`.
   */
  distributedTracing?: boolean | undefined;
  /** Whether spans record Flue's `log` events. Default: `FLUE_BRAINTRUST_LOGS`, else `true`. */
  logs?: boolean | undefined;
  /**
   * Maximum memory in bytes for undelivered rows, at least 1 MiB. When it is full, new spans are refused and counted.
   * Default: `FLUE_BRAINTRUST_MAX_QUEUE_BYTES`, else 64 MiB.
   */
  maxQueueBytes?: number | undefined;
  /**
   * Stores undelivered rows and a snapshot of open spans on disk. The next process delivers the rows, resumes the spans
   * that Flue recovers and closes the others. `true` means `.flue-braintrust` in the working directory. Default: on if
   * `FLUE_BRAINTRUST_SPOOL_DIR` is set, else `false`.
   */
  spool?: boolean | SpoolOptions | undefined;
  /**
   * Whether SIGTERM, SIGINT and SIGHUP deliver rows, for at most `exitTimeoutMs`, before they end the process. For
   * programs without signal handlers: if there is another listener, it decides about the exit. Main thread only.
   * Default: `false`.
   */
  handleSignals?: boolean | undefined;
  /**
   * Receives each warning within a second, in addition to the line on stderr. Its exceptions are ignored. Does not keep
   * the process alive.
   */
  onError?: ((trouble: Trouble) => void) | undefined;

  /** Options of the `braintrust` package that have no effect here. Accepted and ignored. */
  asyncFlush?: boolean | undefined;
  debugLogLevel?: unknown;
  environment?: unknown;
  fetch?: unknown;
  forceLogin?: boolean | undefined;
  noExitFlush?: boolean | undefined;
  onFlushError?: unknown;
  setCurrent?: boolean | undefined;
  state?: unknown;
}

/** Parts of the content policy. Each defaults to `true`. */
export interface ContentOptions {
  /** Inputs of runs, operations, tools, tasks, models and custom spans, and a run's `metadata`. */
  input?: boolean;
  /** Outputs, log lines, and all other data of custom spans except names and numbers. */
  output?: boolean;
  /** System prompts. */
  systemPrompt?: boolean;
  /** Definitions of the tools that a model can call. */
  tools?: boolean;
  /** Reasoning of a model. */
  reasoning?: boolean;
  /** Messages and stacks of errors. Class and code are always sent. */
  errors?: boolean;
}

/** Name of a builtin redaction pattern. */
export type Builtin =
  | 'api-keys'
  | 'bearer-tokens'
  | 'credit-cards'
  | 'emails'
  | 'ip-addresses'
  | 'jwts'
  | 'private-keys';

/** Redaction rules. Strings that contain JSON, such as tool-call arguments, are redacted inside. */
export interface RedactOptions {
  /** Names of members whose whole value is replaced. Case, `_` and `-` are ignored. */
  keys?: string[];
  /**
   * Paths of members whose whole value is replaced: the field and member names, joined by dots. Lists have no names:
   * `input.content` matches the content of each message. `*` matches one name, `**` any number.
   */
  paths?: string[];
  /**
   * Regular expressions whose matches are replaced, without look-around and back-references, because matching takes
   * linear time. Of the flags of a `RegExp`, `i`, `m` and `s` apply.
   */
  patterns?: (string | RegExp)[];
  /** Builtin patterns whose matches are replaced. */
  builtins?: Builtin[];
  /** Replacement text. Default: `[redacted]`. */
  replacement?: string;
}

/** Location and limits of the spool. */
export interface SpoolOptions {
  /** Directory. Default: `FLUE_BRAINTRUST_SPOOL_DIR`, else `.flue-braintrust` in the working directory. */
  dir?: string | undefined;
  /** Maximum size of one process's rows in bytes; then the oldest are evicted. Default: 256 MiB. */
  maxBytes?: number | undefined;
  /** Maximum age of undelivered rows in milliseconds. Default: 7 days. */
  maxAgeMs?: number | undefined;
  /** Whether files also survive a crash of the machine. Costs time per file. Default: `false`. */
  fsync?: boolean | undefined;
}

/** Reason of a loss. `retries_exhausted` occurs on Cloudflare only. docs/delivery.md has causes and remedies. */
export type LossReason =
  | 'queue_full'
  | 'unreadable_event'
  | 'rejected'
  | 'too_large'
  | 'unauthorized'
  | 'not_delivered_at_exit'
  | 'closed'
  | 'engine_failed'
  | 'spool_full'
  | 'spool_expired'
  | 'spool_damaged'
  | 'retries_exhausted';

/** A warning about tracing. The application keeps running. */
export interface Trouble {
  /** Begins with `FLUE_BRAINTRUST_`; docs/troubleshooting.md lists all codes. */
  readonly code: string;
  /** Description in full sentences. Never contains a key or content. */
  readonly message: string;
  /** Reason, for a loss. */
  readonly reason?: LossReason;
  /** Number of lost rows, for a loss. */
  readonly rows?: number;
}

/** Accounting of rows. Unless a row is in transition, `accepted = sent + pending + spooled +` the sum of `lost`. */
export interface Accounts {
  /** Rows to deliver. */
  readonly accepted: number;
  /** Rows confirmed by Braintrust. */
  readonly sent: number;
  /** Rows in memory or in flight. */
  readonly pending: number;
  /** Rows that are only in the spool. At exit, all rows in the spool. */
  readonly spooled: number;
  /** Lost rows by reason. Reasons without losses are absent. */
  readonly lost: Readonly<Partial<Record<LossReason, number>>>;
}

/** Counters, in rows. A span has one or two rows; a refused event counts as one. */
export interface Stats extends Accounts {
  /** Flue events received. */
  readonly events: number;
  /** The same accounts in bytes of row JSON. */
  readonly bytes: Accounts;
  /** Rows with truncated or dropped content, which is marked. */
  readonly cut: number;
  /** Upload requests, including retries. */
  readonly requests: number;
  /** Repeated upload requests. */
  readonly retries: number;
  /** Bytes of confirmed request bodies. */
  readonly bytesSent: number;
  /** Spans that have started and not ended. */
  readonly openSpans: number;
  /** The latest error, or `null`. */
  readonly lastError: string | null;
}

/** Result of a flush. */
export interface FlushReport extends Stats {
  /**
   * Whether everything accepted before the call was delivered, or lost for a reason other than the timeout. Rows in a
   * spool count as undelivered.
   */
  readonly complete: boolean;
}

/** Options of `flush` and `close`. */
export interface FlushOptions {
  /** Timeout in milliseconds, at most one day; 0 or less does not wait. Default: 10,000. */
  timeoutMs?: number | undefined;
}

/** Result of `initLogger`: the functions of the same names that the package exports. */
export interface Logger {
  /** See {@link flush}. */
  flush(options?: FlushOptions): Promise<FlushReport>;
  /** See {@link stats}. */
  stats(): Stats;
  /** See {@link close}. */
  close(options?: FlushOptions): Promise<FlushReport>;
}

/**
 * Sets the destination of traces. Makes no request and starts no thread; the first event does. A second call with other
 * options replaces the destination; the previous one first delivers its rows.
 */
export declare function initLogger(options?: InitLoggerOptions): Logger;

/**
 * Accepts one Flue event; pass it to Flue's `observe(...)`. Returns immediately and never throws. Does nothing before
 * `initLogger`. It is also an instrumentation, which Flue's `instrument(...)` accepts.
 */
export declare const braintrustFlueObserver: ((event: unknown, context?: unknown) => void) &
  FlueInstrumentation;

/** The work that a Flue interceptor wraps. */
export interface FlueOperation {
  readonly type: string;
  readonly toolCallId?: string | undefined;
  readonly operationId?: string | undefined;
  readonly runId?: string | undefined;
}

/** The context of the work that a Flue interceptor wraps. */
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
  /** Key under which Flue registers the instrumentation. */
  key: symbol;
  /** Accepts one Flue event. */
  observe(event: unknown, context?: unknown): void;
  /** Runs the work and tracks its async context. */
  interceptor<T>(
    operation: FlueOperation,
    ctx: FlueOperationContext,
    next: () => Promise<T>,
  ): Promise<T>;
  /** Flushes. */
  dispose(): Promise<void>;
}

/**
 * The observer for Flue's `instrument(...)` (1.0-beta and 2.x). It also follows async context: operations without the
 * id of their caller (in actions and harness tools), and custom spans, become children of the calling tool call. It
 * never delays or changes the work.
 */
export declare function braintrustFlueInstrumentation(): FlueInstrumentation;

/** Span types of Braintrust. */
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

/** Data of a span. Repeated updates merge objects at any depth; tags accumulate. */
export interface SpanEvent {
  /** Input. */
  input?: unknown;
  /** Output. */
  output?: unknown;
  /** Expected output. */
  expected?: unknown;
  /** Error of the span. An `Error` is recorded with its stack. */
  error?: unknown;
  /** Metadata by name. */
  metadata?: Record<string, unknown>;
  /** Scores between 0 and 1 by name. */
  scores?: Record<string, number | null>;
  /** Metrics by name. */
  metrics?: Record<string, number>;
  /** Tags. */
  tags?: string[];
}

/** Options of a new span. */
export interface StartSpanArgs {
  /** Name. Default: `root`, or `subspan` for a child span. */
  name?: string;
  /** Type. */
  type?: SpanType;
  /** More attributes. Not sent while a masking function is set. */
  spanAttributes?: Record<string, unknown>;
  /** Start, in seconds since the epoch. Default: now, also for values outside the years 1970 to 9999. */
  startTime?: number;
  /**
   * Parent span: a slug from `span.export()` of this package or of `braintrust`. Default: the current span. Other
   * values are ignored with a warning.
   */
  parent?: string;
  /** Initial data. */
  event?: SpanEvent;
}

/** Options of the end of a span. */
export interface EndSpanArgs {
  /** End, in seconds since the epoch. Default: now. */
  endTime?: number;
}

/** Options of functions that run a callback in a span. */
export interface SetCurrentArg {
  /** Whether the span is the current one during the callback. Default: `true`. */
  setCurrent?: boolean;
}

/** A custom span, or a span of Flue. No method throws because of tracing. */
export interface Span {
  /** Always `span`. */
  readonly kind: 'span';
  /** Row id. */
  readonly id: string;
  /** Span id. */
  readonly spanId: string;
  /** Id of the root span of the trace. */
  readonly rootSpanId: string;
  /** Ids of the parent spans; empty for spans of Flue. */
  readonly spanParents: readonly string[];
  /** Updates the span. */
  log(event: SpanEvent): void;
  /** Sets the name, the type or other attributes. */
  setAttributes(args: Omit<StartSpanArgs, 'event'>): void;
  /** Runs a callback in a child span; see {@link traced}. */
  traced<R>(callback: (span: Span) => R, args?: StartSpanArgs & SetCurrentArg): R;
  /** Starts a child span; see {@link startSpan}. */
  startSpan(args?: StartSpanArgs): Span;
  /**
   * Ends the span and returns the time, in seconds since the epoch. Later calls have no effect. Spans of Flue are ended
   * by Flue only.
   */
  end(args?: EndSpanArgs): number;
  /** Alias of `end`. */
  close(args?: EndSpanArgs): number;
  /** Returns a slug of the span's ids, for `parent` here, in another process, or in the `braintrust` package. */
  export(): Promise<string>;
  /** Adds trace context to the headers of an outgoing request; see {@link injectTraceContext}. */
  inject<T extends object>(carrier?: T): T;
  /** URL of the span, as far as known; the organisation is known after the login. */
  link(): string;
  /** URL of the span, once it is known. */
  permalink(): Promise<string>;
  /** Calls the package's `flush`. */
  flush(): Promise<void>;
}

/**
 * The current span: the innermost custom span, else Flue's if registered with `instrument(...)`. Otherwise, and without
 * a key, a span that does nothing.
 */
export declare function currentSpan(): Span;

/**
 * Starts a child of the current span, else a root span. It does not become the current span, and ends with `end()` or
 * at exit.
 */
export declare function startSpan(args?: StartSpanArgs): Span;

/**
 * Runs a callback in a span, and ends the span when the callback or its promise settles. Returns its result; exceptions
 * are recorded and rethrown. Without a key, it only runs the callback.
 */
export declare function traced<R>(
  callback: (span: Span) => R,
  args?: StartSpanArgs & SetCurrentArg,
): R;

/**
 * Wraps a function so that each call runs in a span, with the arguments as input and the result as output, unless
 * `noTraceIO` is set. The span is named after the function by default.
 */
export declare function wrapTraced<F extends (...args: any[]) => any>(
  fn: F,
  args?: StartSpanArgs & SetCurrentArg & { noTraceIO?: boolean },
): F;

/** Records an error in a span. */
export declare function logError(span: Span, error: unknown): void;

/**
 * Adds the trace context of the current span to the headers of an outgoing request: `traceparent`, `baggage` (beside
 * existing members), and the caller's `tracestate`. Accepts an object, `Headers`, a Node request or a list of pairs,
 * and returns it. Without a span, it changes nothing.
 */
export declare function injectTraceContext<T extends object = Record<string, string>>(
  carrier?: T,
  options?: { span?: Span },
): T;

/**
 * Receives the final value of one field of a span and returns the value to send; `undefined` omits the field. Must not
 * be async.
 */
export type MaskingFunction = (value: any) => unknown;

/**
 * Passes every span through this function before any byte leaves the process or reaches the disk; `null` disables it.
 * Called once per field, with the whole field: `input`, `output`, `expected`, `metadata`, `context`, `scores`,
 * `metrics`, and, unlike in the `braintrust` package, `error`, `tags` and the span's name. If it throws or returns an
 * invalid value, a marker replaces the field; it names only the class of the exception. Ids, the type, and start and
 * end times are not masked. Call it before the first event: earlier data may already be in flight.
 */
export declare function setMaskingFunction(mask: MaskingFunction | null): void;

/** Waits until everything accepted before the call is delivered or lost, or until the timeout. Never rejects. */
export declare function flush(options?: FlushOptions | null): Promise<FlushReport>;

/** Counters since `initLogger`; before it, all are 0. */
export declare function stats(): Stats;

/** Delivers rows until the timeout, then accepts nothing until the next `initLogger`. Never rejects. */
export declare function close(options?: FlushOptions | null): Promise<FlushReport>;
