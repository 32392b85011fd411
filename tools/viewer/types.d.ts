// The payloads of the viewer's server.

/** A trace in the list. Times are seconds since the epoch. */
export interface TraceSummary {
  id: string;
  /** Of the first span at the top. */
  name: string;
  type: string;
  start: number | null;
  end: number | null;
  /** Whether any span is open. */
  running: boolean;
  /** How many there are. */
  spans: number;
  /** Of all model calls. */
  tokens: number;
  /** In dollars, of all model calls; null where none is priced. */
  cost: number | null;
  /** How many spans failed. */
  errors: number;
  /** Whether the span at the top failed. */
  failed: boolean;
  /** How many breaches of the protocol its tree has. */
  problems: number;
}

/** A span in the waterfall. Times are seconds since the epoch. */
export interface SpanSummary {
  rowId: string;
  spanId: string;
  /** 0 at the top. */
  depth: number;
  /** How many lie directly below it. */
  children: number;
  name: string;
  type: string;
  start: number | null;
  end: number | null;
  /** The first line of the error. */
  error: string | null;
  problems: number;
  /** Closed only because what was around it ended. */
  interrupted: boolean;
  /** Aborted, which is no failure. */
  cancelled: boolean;
  tokens: number;
  cost: number | null;
}

/** A page of the list, newest first. */
export interface TracePage {
  traces: TraceSummary[];
  /** How many match, on all pages. */
  total: number;
  /** How many there are, matching or not. */
  all: number;
}

/** One trace. */
export interface TraceView {
  trace: TraceSummary;
  /** Each before its children. */
  spans: SpanSummary[];
  /** The spans whose row contains what was searched for; null when nothing was. */
  matches: string[] | null;
}

/** One span with all its content. */
export interface SpanView {
  row: { [field: string]: unknown };
  problems: string[];
}
