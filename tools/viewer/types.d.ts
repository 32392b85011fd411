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
  /** The operation that the span is part of (`flue.operation_id`); null for operations themselves. */
  operation: string | null;
  /** The attempt of a submission that ended the span, counted from 1. */
  attempt: number | null;
  /** How many attempts Flue makes. */
  maxAttempts: number | null;
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
  /** The spans above them that do not contain it; without them a match stands alone. */
  ancestors?: string[] | null;
}

/** One span with all its content. */
export interface SpanView {
  row: { [field: string]: unknown };
  problems: string[];
  /** Of a model turn: what is new in it. */
  turn: TurnView | null;
}

/** A model turn beside the one before it in its conversation. */
export interface TurnView {
  /** Among the turns of its conversation in this trace, counted from 1. */
  number: number;
  of: number;
  /** How many messages of the conversation its input leaves out. */
  leftOut: number;
  /** The turn that it continues; null for the first one. */
  previous: {
    /** Another one when it continues the conversation of another trace. */
    traceId: string;
    spanId: string;
    /** Among the turns of the conversation in its trace. */
    number: number;
    /** Seconds since the epoch. */
    end: number | null;
    /** How many tokens it read from the provider's cache or wrote to it; null when unknown. */
    cachedTokens: number | null;
  } | null;
  /** How many messages of its input, as they are written there, the previous turn's input has, too. */
  unchanged: number;
  /** What a provider's cache of the previous input cannot serve, in the order of its parts. */
  changes: TurnChange[];
  /** Its cost by kind; null where it does not follow from the rows. */
  costs: TurnCosts | null;
}

/** The cost of a model turn by kind of token, in dollars. */
export interface TurnCosts {
  /** Of input that no cache has. */
  input: number;
  /** Of input that was read from the provider's cache, and of what was written to it. */
  cached: number;
  written: number;
  output: number;
  /** How many turns of the model the prices were computed from. */
  turns: number;
}

/** A difference between the inputs of two turns, other than new messages at the end. */
export type TurnChange =
  | { what: 'model'; from: string; to: string }
  | { what: 'tools'; added: string[]; removed: string[]; altered: string[] }
  | { what: 'system' }
  | { what: 'compaction'; spanId: string }
  /** Counted from 1, without the system prompt. */
  | { what: 'message'; number: number; role: string }
  | { what: 'removed'; number: number };

/** What became of a trace. */
export interface Outcome {
  /** Failures, each counted once: a failed span above another failed one reports the same failure. */
  failures: number;
  /** How many attempts it took; 1 without recovery. */
  attempts: number;
  /** Whether a span ended only because what was around it did, or will never end. */
  interrupted: boolean;
  /** Whether any span is open that may still end. */
  running: boolean;
  /** Such as `attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 finished`; null for nothing to tell. */
  story: string | null;
}
