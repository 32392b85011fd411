/// <reference lib="esnext.disposable" />

/**
 * A collector for tests of applications: takes Braintrust's place in the process of the tests, and gives the traces that
 * arrive. For jest, vitest, `node:test` and any other runner on Node.
 */

/** Starts a collector on a free port of this machine. It does not keep the process alive. */
export declare function startCollector(): Promise<TestCollector>;

/** Receives the rows of loggers that are given its `options`. */
export interface TestCollector {
  /** Its address. */
  readonly url: string;
  /** What `initLogger` needs to send traces to it. */
  readonly options: {
    readonly apiKey: string;
    readonly appUrl: string;
    readonly apiUrl: string;
    readonly orgName: string;
  };
  /** The same as variables, for another process. */
  readonly env: {
    readonly BRAINTRUST_API_KEY: string;
    readonly BRAINTRUST_APP_URL: string;
    readonly BRAINTRUST_API_URL: string;
    readonly BRAINTRUST_ORG_NAME: string;
  };
  /**
   * The traces that have arrived, finished or not, in the order of their first rows. A snapshot: call it after
   * `await flush()`, or after `waitFor`.
   */
  traces(): TestTrace[];
  /** The spans of all traces; with a name, those of that name. */
  spans(name?: string): TestSpan[];
  /**
   * Waits until something is true of what has arrived. Rejects when time is up, and states what has arrived so far.
   * Default of `timeoutMs`: 10,000.
   */
  waitFor(
    predicate: (collector: TestCollector) => boolean,
    options?: { timeoutMs?: number | undefined },
  ): Promise<void>;
  /** Drops what has arrived until now, and leaves out later rows of the same traces. */
  clear(): void;
  /** Stops listening. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A trace: all spans with the same root. */
export interface TestTrace {
  readonly id: string;
  /**
   * Whether it has a root, and each of its spans has ended. Spans left open by a process that has died do not count.
   */
  readonly finished: boolean;
  /** The first root; undefined if no span has arrived. */
  readonly root: TestSpan | undefined;
  /** All spans, in the order in which they arrived. */
  readonly spans: readonly TestSpan[];
  /** The names of its spans as an indented tree, one a line. */
  tree(): string;
}

/** A span, with the fields that Braintrust shows. */
export interface TestSpan {
  /** The id of its row. */
  readonly id: string;
  readonly spanId: string;
  readonly name: string;
  /** Such as `task`, `llm` or `tool`; empty if it has none. */
  readonly type: string;
  /** Seconds since the epoch; null without a start. */
  readonly start: number | null;
  /** Seconds since the epoch; null while the span is open. */
  readonly end: number | null;
  readonly input: any;
  readonly output: any;
  readonly expected: any;
  /** Undefined or null unless the span has failed. */
  readonly error: any;
  readonly metadata: Readonly<Record<string, any>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly scores: Readonly<Record<string, number | null>>;
  readonly tags: readonly string[];
  /** The comments of [feedback](docs/feedback.md) on it, in the order in which they arrived. */
  readonly comments: readonly string[];
  /** Sorted by start. */
  readonly children: readonly TestSpan[];
  /** All of the row, as Braintrust has it. */
  readonly row: Readonly<Record<string, unknown>>;
}
