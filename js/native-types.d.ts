/**
 * The payloads between JavaScript and the native part, declared once: `native.d.ts` and the JSDoc of `js/` and
 * `tools/` name them. The public ones are in `index.d.ts`.
 */

declare const payload: unique symbol;

/** JSON text of a `T`; see `json-string.js`. Objects cross the border as JSON text, which costs less. */
export type JsonString<T> = string & { readonly [payload]: T };

/** What settings are read from. */
export interface RawConfig {
  /** Options of `initLogger`; see `options.js`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The process's own variables that are ours. */
  readonly env: Readonly<Record<string, string>>;
  /** The variables of `.env.braintrust`; those of the process win. */
  readonly file: Readonly<Record<string, string>>;
}

/** Parsed settings. Holds no secret. */
export interface Plan {
  readonly appUrl: string;
  /** Null: the login returns it. */
  readonly apiUrl: string | null;
  /** Null: the first organisation that the key opens. */
  readonly orgName: string | null;
  readonly projectName: string;
  /** Null: the project goes by its name. */
  readonly projectId: string | null;
  /** The proxy on the way to `appUrl`; null: none. */
  readonly proxy: string | null;
  readonly requestTimeoutMs: number;
  /** Null: there is no spool. */
  readonly spoolDir: string | null;
  /** The fingerprint that names the spool files of this destination: 16 hexadecimal digits. */
  readonly destination: string;
}

/** Work of an ended process that this one may continue. */
export interface RestoredWork {
  /** The id of the run or the delivery. That of a keyed submission that has begun is followed by its conversation. */
  readonly id: string;
  /** The span under which the application runs it, and its trace; null: it has named none. */
  readonly caller: readonly [spanId: string, rootSpanId: string] | null;
  /** The trace of its root, if that is open and recorded. */
  readonly recorded: string | null;
}

/** The outcome of one attempt to connect. */
export interface Probe {
  /** Where rows go; null: nowhere. */
  readonly session: Session | null;
  readonly failure: ConnectFailure | null;
  /** What the user must know of the certificates; null: nothing. */
  readonly certificateWarning: string | null;
  readonly tookMs: number;
}

/** Where rows go. */
export interface Session {
  /** Null: there was no login, since nothing had to be asked for. */
  readonly organisation: string | null;
  readonly projectId: string;
  readonly apiUrl: string;
  /** The proxy on the way to `apiUrl`; null: none. */
  readonly proxy: string | null;
  /** The most bytes of one request, as the server states them; null: it does not. */
  readonly limit: number | null;
  /** The limit that is kept, in bytes. */
  readonly maxBytes: number;
}

/** Why there is no session. */
export interface ConnectFailure {
  /** What was tried: `setting up the client`, `login`, `choosing the organisation`, `registering the project`. */
  readonly step: string;
  readonly message: string;
  /** The HTTP status of the response; null: there was none. */
  readonly status: number | null;
}

/** Where Braintrust shows spans, as far as known. */
export interface TraceDestination {
  readonly appUrl: string;
  readonly orgName: string | null;
  readonly projectName: string;
  readonly projectId: string | null;
  /** The experiment that receives the spans; null: the logs of the project do. */
  readonly experimentId: string | null;
  /** Whether traces join those of their callers. */
  readonly distributed: boolean;
  /** Whether only a part of all traces is recorded, as far as the settings decide. */
  readonly isSampled: boolean;
  /** Whether traces with errors are recorded, too. */
  readonly keepsErrors: boolean;
  /** The share of traces that is recorded, as far as the settings decide. */
  readonly sampleRate: number;
  /** The directory of the spool, or `storage` in a Worker with that option; null or absent: there is none. */
  readonly spoolDir?: string | null;
  /** Whether a connection was made: the other members are final. */
  readonly isConnected: boolean;
}

/** Flue's ids of the work that runs now. */
export type FlueIds = Readonly<Record<string, unknown>>;

/** The content of one row by field, as the masking function takes it. */
export type RowContent = Record<string, any>;

/** Rows that wait for the masking function. */
export interface MaskRequest {
  /** Identifies the batch in the answer. */
  readonly batch: number;
  readonly content: readonly RowContent[];
}

/** What a spool directory holds. */
export interface SpoolListing {
  readonly directory: string;
  readonly shares: readonly SpoolShare[];
  /** How many files are not spool files. */
  readonly foreign: number;
}

/** What a spool directory holds for one destination. */
export interface SpoolShare {
  /** The fingerprint of server, project and key: 16 hexadecimal digits. */
  readonly destination: string;
  /** Segments that can be delivered. */
  readonly waiting: SpoolSegments;
  /** Segments that cannot; their rows are those that readable headers state. */
  readonly damaged: SpoolSegments;
  /** Files that are being written, or were when their process ended. */
  readonly unfinished: number;
  /** Snapshots of open spans, one for each process that has some. */
  readonly openRecords: number;
  readonly processes: readonly { readonly pid: number; readonly runs: boolean }[];
}

/** Sizes of some segments. */
export interface SpoolSegments {
  readonly files: number;
  readonly rows: number;
  /** On the disk. */
  readonly bytes: number;
  /** When the oldest was written, as an ISO date; null without a readable header. */
  readonly oldest: string | null;
  /** When the newest was written. */
  readonly newest: string | null;
}
