/** A JSON object as `JSON.parse` gives it. */
export type JsonObject = { [key: string]: unknown };

/** A stored row: everything that was merged into it, without the fields that steer the merge. */
export type Row = JsonObject & { id: string };

/** Something that breaks the protocol. `rowId` is null when it concerns a request, not a row. */
export interface Problem {
  rowId: string | null;
  problem: string;
}

/** One span of a trace, placed in the tree. */
export interface Span {
  rowId: string;
  spanId: string;
  /** `span_attributes.name`, or `(no name)`. */
  name: string;
  /** `span_attributes.type`, or an empty string. */
  type: string;
  /** Seconds since the epoch; null without a start. */
  start: number | null;
  /** Seconds since the epoch; null while the span is open, also because a later attempt continues it. */
  end: number | null;
  /**
   * Whether it is open, and nothing will end it: its process has died, and a later attempt has begun or the span that it
   * is part of has ended.
   */
  lost: boolean;
  /** The metrics that are finite numbers. */
  metrics: { [name: string]: number };
  /** The first line of the error text, or null when the span did not fail. */
  error: string | null;
  /** Sorted by start. */
  children: Span[];
  /** What is wrong with this span's place in the trace, such as a missing parent. */
  problems: string[];
  row: Row;
  /** The rows of the comments on it. */
  comments: Row[];
}

/** All spans that share a `root_span_id`, as a tree. A snapshot: later rows do not change it. */
export interface Trace {
  /** The shared `root_span_id`. */
  id: string;
  /** Every span, in the order in which its row first arrived. */
  spans: Span[];
  /** The top of the tree: true roots and spans whose parent is missing, sorted by start. */
  roots: Span[];
  /** True when a true root exists, and every span has ended or is lost. */
  finished: boolean;
  /** How many spans have no `metrics.end` yet, and may still get one. */
  openSpans: number;
  /** The problems of all its spans. */
  problems: Problem[];
}

/** The collector's record of a request. */
export interface RequestRecord {
  /** 0 for the first request. */
  index: number;
  method: string;
  /** Without the query. */
  path: string;
  /** With its question mark; empty when there is none. */
  query: string;
  /** When its head arrived, milliseconds since the epoch. */
  at: number;
  /** When it was answered or its connection ended, milliseconds since the epoch; null until then. */
  doneAt: number | null;
  /** The status of the response; null without one, as after a reset or a hang. */
  status: number | null;
  /** Size of the body. */
  bytes: number;
  /** For `/logs3`: the ids of the rows it carried, also when a fault answered it. */
  rowIds?: string[];
}

/** A request as the fault hook sees it. */
export interface InterceptedRequest {
  index: number;
  method: string;
  path: string;
  query: string;
  headers: import('node:http').IncomingHttpHeaders;
  body: Buffer;
  bodyText: string;
  bytes: number;
}

/** What the fault hook may do to a request. */
export interface Fault {
  /** Answer with this status instead of the real answer. */
  status?: number;
  /** Headers of that answer. */
  headers?: { [name: string]: string };
  /** Its body: a string is sent as it is, anything else as JSON. Default: a JSON error. */
  body?: unknown;
  /** Wait so long before answering. On its own: the real answer, later. */
  delayMs?: number;
  /** Reset the connection instead of answering. */
  reset?: boolean;
  /** Never answer; the connection stays open until the client leaves or the collector closes. */
  hang?: boolean;
  /** Send the head and half of the body of the answer, and break the connection. */
  half?: boolean;
  /** Send the body of the answer byte by byte, with so many milliseconds before each. */
  dripMs?: number;
  /** First process the request (rows are stored), then do the above: a lost acknowledgement. */
  processFirst?: boolean;
}

/** The fault hook. Without a result the request is served as usual. */
export type Intercept = (
  request: InterceptedRequest,
) => Fault | undefined | void | Promise<Fault | undefined | void>;

/** Called with a finished trace; `updated` is true when that trace was reported before. */
export type OnTrace = (trace: Trace, updated: boolean) => void;

/** The running collector. */
export type Collector = InstanceType<typeof import('./collector').Collector>;

/** The most that is kept in memory. Traces that did not change for the longest time are dropped first. */
export interface Keep {
  traces: number;
  /** Of their rows, about. One trace is kept however large it is. */
  bytes: number;
}

/** Options of `startCollector`. */
export interface CollectorOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  host?: string;
  /** Port to listen on; 0 takes a free one. Default 0. */
  port?: number;
  /** The only accepted bearer. Default: any that is not empty. */
  apiKey?: string;
  /** What browsers need to see the viewer: a parameter `token` of its address. Default: nothing. */
  token?: string;
  /** Name of the one organisation that login returns. Default `local`. */
  orgName?: string;
  /** Limit of a request body, advertised by `/version`; null for none. Default 5 MiB. */
  payloadMaxBytes?: number | null;
  /** How `/logs3/overflow` asks for the upload. Default `PUT`. */
  overflowMethod?: 'PUT' | 'POST';
  /** Every incoming row is appended to this file, see journal.js. Default: none. */
  file?: string;
  /** Whether what the file has is removed first. Default: no. */
  clear?: boolean;
  /** How much is kept in memory. Default: everything. */
  keep?: Keep;
  /**
   * How long a trace must be quiet before it counts as finished, milliseconds; ten times as long without a root, as of
   * a trace that another process began. Default 300.
   */
  quietMs?: number;
  /** Whether it and its connections keep the process alive. Default: yes. */
  keepsAlive?: boolean;
  /** Called for each finished trace. */
  onTrace?: OnTrace;
  /** The fault hook, for tests. */
  intercept?: Intercept;
}

/** Scores, a comment or the like that `logFeedback` has sent. */
export interface Feedback {
  /** Of the row that it is about. */
  rowId: string;
  /** As it arrived: with `scores`, `expected`, `tags`, or `comment`. */
  row: Row;
  /** The span that it is about; undefined: no trace here has it. */
  span: Row | undefined;
}

/** Events of a collector and their arguments. */
export interface CollectorEvents {
  /** A request was answered, or its connection ended. */
  request: [record: RequestRecord];
  /** Rows were stored; the ids of the traces they changed. */
  change: [traceIds: string[]];
  /** A row or request broke the protocol. What is wrong with a tree comes with its trace. */
  problem: [problem: Problem];
  /** A feedback has arrived: at once if its span is known, else a second later, or at the end. */
  feedback: [feedback: Feedback];
  /** A trace is finished, or has no root and is quiet; true when it was reported before and has changed since. */
  trace: [trace: Trace, updated: boolean];
}

/** The body of a `/logs3` request, with the rows themselves also when they were uploaded apart. */
export type Logs = JsonObject & { rows: unknown[] };

/** A request on its way to a route. */
export interface RoutedRequest {
  method: string;
  path: string;
  searchParams: URLSearchParams;
  headers: import('node:http').IncomingHttpHeaders;
  body: Buffer;
}

/** A file that rows refer to by its key. */
export interface Attachment {
  key: string;
  filename: string;
  contentType: string;
  bytes: Buffer;
  /** What the client stated last. */
  status: 'uploading' | 'done' | 'error';
  error: string | null;
}

/** An answer on its way to the client; a string body is sent as it is, anything else as JSON. */
export interface Answer {
  status: number;
  headers?: { [name: string]: string };
  body: unknown;
}
