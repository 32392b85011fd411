/**
 * Sends the traces of Flue agents and workflows to Braintrust.
 *
 * A drop-in for the `braintrust` package in Flue's Braintrust guide: the same names, the same
 * variables. No function throws because tracing does not work; set `FLUE_BRAINTRUST_STRICT=1` to make
 * `initLogger` (and, without a native binary, the import) throw.
 */

/** Where traces go. Every option may be left out; blank counts as left out. */
export interface InitLoggerOptions {
  /** The secret that opens the account. Default: `BRAINTRUST_API_KEY`, then `.env.braintrust`. */
  apiKey?: string | undefined;
  /** The project that takes the traces; created if there is none. Default: `BRAINTRUST_PROJECT_NAME`, else `Flue`. */
  projectName?: string | undefined;
  /** The project's id; wins over its name. Default: `BRAINTRUST_PROJECT_ID`. */
  projectId?: string | undefined;
  /** The organisation, if the key opens several. Default: `BRAINTRUST_ORG_NAME`, else the first. */
  orgName?: string | undefined;
  /** Where to log in. Default: `BRAINTRUST_APP_URL`, else `https://www.braintrust.dev`. */
  appUrl?: string | undefined;
  /** Where to send rows. Default: `BRAINTRUST_API_URL`, else what the login tells. */
  apiUrl?: string | undefined;
  /**
   * The longest that the end of the process may wait for delivery, in milliseconds; 0 for not at all.
   * Default: `FLUE_BRAINTRUST_EXIT_TIMEOUT_MS`, else 2000.
   */
  exitTimeoutMs?: number | undefined;
  /**
   * How long one request may take before it counts as failed and is tried again, in milliseconds.
   * Default: `FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS`, else 30,000.
   */
  requestTimeoutMs?: number | undefined;
  /**
   * The most bytes one request may have; the server's own limit is kept all the same. Default:
   * `BRAINTRUST_MAX_REQUEST_SIZE`, else what the server says, else 6 MiB.
   */
  maxRequestBytes?: number | undefined;
  /**
   * How messages are written: `openai` as OpenAI chat completions, which Braintrust shows best; `flue` as
   * Flue has them. Default: `FLUE_BRAINTRUST_MESSAGES`, else `openai`.
   */
  messages?: 'openai' | 'flue' | undefined;
  /**
   * Which messages a model turn shows as its input: `full` all that the model was given; `delta` those
   * that the conversation's previous turn was not given. Default: `FLUE_BRAINTRUST_TURN_INPUT`, else `full`.
   */
  turnInput?: 'full' | 'delta' | undefined;
  /**
   * Which content is kept at all. `false`: only structure, times, usage, ids and names leave. Parts that are
   * left out are kept. Default: `FLUE_BRAINTRUST_CONTENT`, else `true`.
   */
  content?: boolean | ContentOptions | undefined;
  /**
   * Rules for what must not leave. Applied natively to every string and every member's name, in every field,
   * before anything waits, is written to the disk or leaves. Rules that cannot be applied start no tracing.
   * Default: the builtins that `FLUE_BRAINTRUST_REDACT` names, separated by commas; else none.
   */
  redact?: RedactOptions | undefined;
  /**
   * The most bytes (of JSON) that one field of a span may have, or one member of its `metadata`; of what has
   * more the beginning is kept, and a mark with its size. Default: `FLUE_BRAINTRUST_MAX_FIELD_BYTES`, else
   * no limit but that of a request.
   */
  maxFieldBytes?: number | undefined;
  /**
   * Whether a run or a submission that was asked for by an HTTP request with a `traceparent` is a part of the
   * caller's trace, below the caller's span. Needs `braintrustFlueInstrumentation`. Default:
   * `FLUE_BRAINTRUST_DISTRIBUTED_TRACING`, else `false`: it has a trace of its own, and `flue.traceparent` tells.
   */
  distributedTracing?: boolean | undefined;
  /** Whether Flue's `log` events are kept with their spans. Default: `FLUE_BRAINTRUST_LOGS`, else `true`. */
  logs?: boolean | undefined;
  /**
   * The most bytes that may wait in memory for delivery; beyond it new spans are refused, and counted.
   * Default: `FLUE_BRAINTRUST_MAX_QUEUE_BYTES`, else 64 MiB.
   */
  maxQueueBytes?: number | undefined;
  /**
   * Where to keep what must outlive the process: what is not delivered yet, and the record of open spans, by
   * which the next process goes on with what Flue recovers and closes the rest. `true` means
   * `.flue-braintrust` in the working directory. Default: `FLUE_BRAINTRUST_SPOOL_DIR`, else nowhere.
   */
  spool?: boolean | SpoolOptions | undefined;
  /**
   * Whether SIGTERM, SIGINT and SIGHUP deliver what is there, for at most `exitTimeoutMs`, before they end
   * the process as they would have done anyway. For programs that have no listeners of their own; where
   * there are such, the ending is left to them. Only in the main thread. Default: `false`, no listener.
   */
  handleSignals?: boolean | undefined;
  /**
   * Called for each warning, within a second, besides the line on stderr. What it throws is ignored.
   * It does not keep the process alive.
   */
  onError?: ((diagnostic: Diagnostic) => void) | undefined;

  /** Options of the `braintrust` package that have no meaning here. Accepted and ignored. */
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

/** Which content is kept; all default to `true`. */
export interface ContentOptions {
  /** What went into runs, operations, tools, tasks, models and spans of your own, and a run's `metadata`. */
  input?: boolean;
  /** What came out of them, log lines, and all else that is said of spans of your own but names and numbers. */
  output?: boolean;
  /** The system prompt. */
  systemPrompt?: boolean;
  /** The tools that a model could call. */
  tools?: boolean;
  /** What a model thought. */
  reasoning?: boolean;
  /** The messages and stacks of errors. Their class and code are always kept. */
  errors?: boolean;
}

/** A pattern that is known by a name. */
export type Builtin =
  | 'api-keys'
  | 'bearer-tokens'
  | 'credit-cards'
  | 'emails'
  | 'ip-addresses'
  | 'jwts'
  | 'private-keys';

/** What is replaced. Strings that are JSON themselves, such as the arguments of a tool call, are looked into. */
export interface RedactOptions {
  /** Members whose whole value is replaced wherever they are. Case, `_` and `-` make no difference. */
  keys?: string[];
  /**
   * Members whose whole value is replaced, by where they are: the field and the names of members, joined by
   * dots. Lists have no names: `input.content` is the content of each message. `*` is any one name, `**` any
   * number of them.
   */
  paths?: string[];
  /**
   * What is replaced wherever it is found: regular expressions without look-arounds and back-references, which
   * take more than linear time. Of a `RegExp` the flags `i`, `m` and `s` count.
   */
  patterns?: (string | RegExp)[];
  /** What is replaced wherever it is found, by name. */
  builtins?: Builtin[];
  /** What stands in its place. Default: `[redacted]`. */
  replacement?: string;
}

/** Where and how to keep what must outlive the process. */
export interface SpoolOptions {
  /** The directory. Default: `FLUE_BRAINTRUST_SPOOL_DIR`, else `.flue-braintrust` in the working directory. */
  dir?: string | undefined;
  /** How much of the disk the rows of one process may take; then the oldest make room. Default: 256 MiB. */
  maxBytes?: number | undefined;
  /** How long what nobody delivers is kept, in milliseconds. Default: 7 days. */
  maxAgeMs?: number | undefined;
  /** Whether it should survive the death of the machine, too. Costs time for each file. Default: false. */
  fsync?: boolean | undefined;
}

/** Why something was lost; `retries_exhausted` is known outside of Node alone. */
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

/** Something that went wrong with the tracing; the application goes on. */
export interface Diagnostic {
  /** Begins with `FLUE_BRAINTRUST_`; docs/troubleshooting.md lists them. */
  readonly code: string;
  /** What happened, in whole sentences; never a key, never content. */
  readonly message: string;
  /** Of a loss: why. */
  readonly reason?: LossReason;
  /** Of a loss: how many rows. */
  readonly rows?: number;
}

/** @deprecated The earlier name of {@link Diagnostic}. */
export type Trouble = Diagnostic;

/**
 * The accounts of what is delivered. At every quiet moment
 * `accepted = sent + pending + spooled +` the sum of `lost`.
 */
export interface Accounts {
  /** What was to be delivered. */
  readonly accepted: number;
  /** What Braintrust confirmed. */
  readonly sent: number;
  /** What waits in memory or is under way. */
  readonly pending: number;
  /** What waits in the spool alone. When the process ends, all that the spool keeps for the next one. */
  readonly spooled: number;
  /** What is lost, by reason; reasons that did not occur are absent. */
  readonly lost: Readonly<Partial<Record<LossReason, number>>>;
}

/** The numbers, in rows. A span takes one or two rows; an event that was refused counts as one. */
export interface Stats extends Accounts {
  /** Flue events taken in. */
  readonly events: number;
  /** The same accounts in bytes of the rows' JSON. */
  readonly bytes: Accounts;
  /** Rows that were delivered, or will be, with a part of their content left out and a mark in its place. */
  readonly cut: number;
  /** Uploads made, repeated ones included. */
  readonly requests: number;
  /** Uploads that had to be made again. */
  readonly retries: number;
  /** Bytes of confirmed request bodies. */
  readonly bytesSent: number;
  /** Spans that have started and not ended. */
  readonly openSpans: number;
  /** What went wrong last, if anything did. */
  readonly lastError: string | null;
}

/** How a flush ended. */
export interface FlushReport extends Stats {
  /**
   * Whether all that was accepted before the call was delivered, or lost for a reason of its own, before the
   * time was up. What a spool keeps for the next process is not delivered.
   */
  readonly complete: boolean;
}

export interface FlushOptions {
  /** The longest to wait, in milliseconds. Default: 10,000. */
  timeoutMs?: number | undefined;
}

/** What `initLogger` returns: the same functions that the package exports. */
export interface Logger {
  flush(options?: FlushOptions): Promise<FlushReport>;
  stats(): Stats;
  close(options?: FlushOptions): Promise<FlushReport>;
}

/**
 * Says where traces go. Makes no request and starts no thread; the first event does. Called again with
 * other options it replaces the earlier destination, which first delivers what it has.
 */
export declare function initLogger(options?: InitLoggerOptions): Logger;

/**
 * Takes one Flue event; pass it to Flue's `observe(...)`. Returns at once and never throws. Before
 * `initLogger` it does nothing. Flue's `instrument(...)` takes it, too: it is an instrumentation of its own.
 */
export declare const braintrustFlueObserver: ((event: unknown, context?: unknown) => void) &
  FlueInstrumentation;

/** What a Flue interceptor is told of the work it wraps. */
export interface FlueOperation {
  readonly type: string;
  readonly toolCallId?: string | undefined;
  readonly operationId?: string | undefined;
  readonly runId?: string | undefined;
}

/** What a Flue interceptor is told of where the work belongs. */
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

/** What Flue's `instrument(...)` takes. */
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
 * The same as the observer, for Flue's `instrument(...)` (1.0-beta and 2.x). Beyond the observer it
 * follows Flue's work through async calls, so that operations which carry no id of what called them (in
 * actions and harness tools) lie below the very tool call, and so do spans of the application's own. It never
 * delays or alters the work.
 */
export declare function braintrustFlueInstrumentation(): FlueInstrumentation;

/** Braintrust's types of spans. */
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

/** What may be said of a span. Said twice, objects are merged at any depth and tags are gathered. */
export interface SpanEvent {
  input?: unknown;
  output?: unknown;
  expected?: unknown;
  /** What went wrong; an `Error` is shown with its stack. */
  error?: unknown;
  /** Facts by name. */
  metadata?: Record<string, unknown>;
  /** Numbers between 0 and 1 by name. */
  scores?: Record<string, number | null>;
  /** Numbers by name. */
  metrics?: Record<string, number>;
  tags?: string[];
}

export interface StartSpanArgs {
  /** Default: `root`, or `subspan` below another span. */
  name?: string;
  type?: SpanType;
  /** More attributes. Not sent while a masking function is set. */
  spanAttributes?: Record<string, unknown>;
  /** When it began, in seconds since the epoch. Default: now, also for what lies outside the years 1970 to 9999. */
  startTime?: number;
  /**
   * The span it lies below, as `span.export()` tells it, of ours or of the `braintrust` package. Default: the
   * current span. What is no such text is ignored, with a warning.
   */
  parent?: string;
  /** What is said at once. */
  event?: SpanEvent;
}

export interface EndSpanArgs {
  /** When it ended, in seconds since the epoch. Default: now. */
  endTime?: number;
}

/** What functions with a span may be told. */
export interface SetCurrentArg {
  /** Whether the span is the current one meanwhile. Default: `true`. */
  setCurrent?: boolean;
}

/** A span of the application's own, or one of Flue's. No method throws because tracing does not work. */
export interface Span {
  readonly kind: 'span';
  /** The row's id. */
  readonly id: string;
  readonly spanId: string;
  readonly rootSpanId: string;
  /** The ids of the spans it lies below; of Flue's spans they are not told. */
  readonly spanParents: readonly string[];
  /** Says something of the span. */
  log(event: SpanEvent): void;
  /** Sets the name, the type or other attributes. */
  setAttributes(args: Omit<StartSpanArgs, 'event'>): void;
  /** Runs a function within a span below this one; see {@link traced}. */
  traced<R>(callback: (span: Span) => R, args?: StartSpanArgs & SetCurrentArg): R;
  /** Starts a span below this one; see {@link startSpan}. */
  startSpan(args?: StartSpanArgs): Span;
  /** Ends the span; gives the time, in seconds since the epoch. Once it has ended nothing changes that. Flue ends its own. */
  end(args?: EndSpanArgs): number;
  /** The same as `end`. */
  close(args?: EndSpanArgs): number;
  /** The span's ids as a text, for `parent` here, in another process, or of the `braintrust` package. */
  export(): Promise<string>;
  /** Writes where the span stands to the headers of an outgoing call; see {@link injectTraceContext}. */
  inject<T extends object>(carrier?: T): T;
  /** Where the span is shown, as far as known: the login tells the organisation. */
  link(): string;
  /** The same, once it is known. */
  permalink(): Promise<string>;
  /** The same as the package's `flush`. */
  flush(): Promise<void>;
}

/**
 * The span that runs now: the innermost of the application's, else Flue's, if it was registered by
 * `instrument(...)`. Outside of both, and without a key, a span that does nothing.
 */
export declare function currentSpan(): Span;

/**
 * Starts a span below the current one, else a trace of its own. It is not the current span, and ends when it is
 * told to, or with the process.
 */
export declare function startSpan(args?: StartSpanArgs): Span;

/**
 * Runs a function within a span and ends it when the function, or its promise, does. Gives what it gives; what it
 * throws is recorded and thrown on. Without a key it only runs the function.
 */
export declare function traced<R>(
  callback: (span: Span) => R,
  args?: StartSpanArgs & SetCurrentArg,
): R;

/**
 * The function, each call of which runs in a span: the arguments are its input, what it gives its output, unless
 * `noTraceIO` is set. Named after the function by default.
 */
export declare function wrapTraced<F extends (...args: any[]) => any>(
  fn: F,
  args?: StartSpanArgs & SetCurrentArg & { noTraceIO?: boolean },
): F;

/** Records an error in a span. */
export declare function logError(span: Span, error: unknown): void;

/**
 * Writes where the current span stands to the headers of an outgoing call, so that what is called can be a part of
 * the trace: `traceparent`, `baggage` (beside what is there), and the caller's `tracestate`. Takes an object,
 * `Headers`, a request of Node's or a list of pairs, and gives the same. Without a span it changes nothing.
 */
export declare function injectTraceContext<T extends object = Record<string, string>>(
  carrier?: T,
  options?: { span?: Span },
): T;

/**
 * Given the value of one field of a span, as it would be sent; gives what is sent instead. `undefined` leaves the
 * field out. It must not be async.
 */
export type MaskingFunction = (value: any) => unknown;

/**
 * From now on every span passes through this function before any byte of it leaves the process or reaches
 * the disk; `null` for none. Called once for each field that a span has, with the whole field: `input`,
 * `output`, `expected`, `metadata`, `context`, `scores`, `metrics`, and, unlike the `braintrust` package's,
 * `error`, `tags` and the span's name. Where it throws, or gives what the field cannot be, a mark takes the
 * field's place, which tells nothing but the class of what was thrown. Ids, the span's type and when it began
 * and ended are not masked. Set it before the first event: what was told earlier may be on its way.
 */
export declare function setMaskingFunction(mask: MaskingFunction | null): void;

/**
 * Waits until what was accepted before the call is delivered, or lost, or the time is up. Never
 * rejects.
 */
export declare function flush(options?: FlushOptions | null): Promise<FlushReport>;

/** The numbers since `initLogger`. Without it all are zero. */
export declare function stats(): Stats;

/** Delivers what it can, then takes nothing more until `initLogger` is called again. Never rejects. */
export declare function close(options?: FlushOptions | null): Promise<FlushReport>;
