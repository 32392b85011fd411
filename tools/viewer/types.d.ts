// The payloads of the viewer's server.

/** A trace in the list. Times are seconds since the epoch. */
export interface TraceSummary {
  id: string;
  /** Of the first span at the top. */
  name: string;
  type: string;
  /** What the list calls it: the agent or the workflow, else the name. */
  title: string;
  /** `workflow`, the kind of its operation such as `prompt`, else the type of the span at the top. */
  kind: string;
  agent: string | null;
  /** Of its model calls, the most frequent first. */
  models: string[];
  /** The beginning of its input as one line, and that of its output; empty where there is none. */
  question: string;
  answer: string;
  /** What names its conversation and the agent's instance: `#/` and this is the address of the page. */
  key: string | null;
  instanceKey: string | null;
  start: number | null;
  end: number | null;
  /** Seconds; null while it runs. */
  took: number | null;
  /** Whether any span is open that may still end. */
  running: boolean;
  /** How many there are. */
  spans: number;
  /** Of all model calls. */
  tokens: number;
  /** In dollars, of all model calls; null where none is priced. */
  cost: number | null;
  /** How many failures it has: of spans that fail with a child, the child. */
  errors: number;
  /** Whether the span at the top failed. */
  failed: boolean;
  /** The number of the attempt that ended it, and how many there may be. */
  attempt: number;
  maxAttempts: number | null;
  /** How many spans never got an end of their own. */
  interrupted: number;
  /** Whether the span at the top is one of them. */
  rootInterrupted: boolean;
  /** Such as `attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 finished`; null without a recovery. */
  story: string | null;
  /** Whether it was aborted, which is not a failure. */
  cancelled: boolean;
  /** The share of traces that are recorded, where it is less than all; 0 where it is unknown. */
  sampled: number | null;
  /** How many breaches of the protocol its tree has. */
  problems: number;
  /** Whether rows of it were dropped, to keep the memory within its bound. */
  partial?: boolean;
  /** Where what was searched for occurs. */
  excerpt?: Excerpt | null;
  /** Only a conversation has it: how many traces it has. */
  traces?: undefined;
}

/** What stands before what was found, what was found, and what stands behind it. */
export type Excerpt = [string, string, string];

/** A conversation in the list. Its id is the key of it, as in the address of its page. */
export type ConversationSummary = Omit<TraceSummary, 'traces'> & { traces: number };

/** A row of the list. */
export type ListRow = TraceSummary | ConversationSummary;

/** The values of a filter, each with how many traces have it. */
export interface Choices {
  agents: [string, number][];
  models: [string, number][];
  types: [string, number][];
}

/** What changed in the member `of` since the version that the page has. */
export type Delta = import('../support/list-delta').ListDelta & { of: string };

/** What changed since a page asked last. */
export interface Changes {
  /** What to ask with the next time. */
  cursor: string;
  /** Traces. */
  ids: string[];
  /** Whether any other trace may have changed, too. */
  isAll: boolean;
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
  /** Open, but nothing will end it. */
  lost: boolean;
  /** Aborted, which is not a failure. */
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

/** An answer: all of a view, or in place of its list what changed since the version that the page has. */
export type Answer<View, List extends keyof View> = View | (Omit<View, List> & { delta: Delta });

/** A part of the list. */
export interface TracePage {
  version: string;
  traces: ListRow[];
  /** The index of the first of them in the whole list. */
  offset: number;
  /** How many match, on all pages. */
  total: number;
  /** How many there are, matching or not. */
  all: number;
  choices: Choices;
}

/** One trace. */
export interface TraceView {
  version: string;
  trace: TraceSummary;
  /** Each before its children. */
  spans: SpanSummary[];
  /** The row ids of the spans that contain what was searched for; null when nothing was. */
  matches: string[] | null;
  /** Those of the spans above them that do not. */
  ancestors: string[] | null;
}

/** A message or a step of a conversation. */
export interface ConversationItem extends Pick<
  SpanSummary,
  'rowId' | 'spanId' | 'name' | 'type' | 'start' | 'end' | 'error' | 'interrupted'
> {
  kind: 'user' | 'assistant' | 'task' | 'step' | 'error';
  /** The message; of a step, the beginning of its input. */
  text: string;
  /** What lies below a step. */
  items: ConversationItem[];
}

/** A trace of a conversation. */
export interface Turn {
  /** Of the trace. */
  id: string;
  summary: TraceSummary;
  items: ConversationItem[];
  /** How many spans are not among the items. */
  omitted: number;
}

/** A conversation, or all of an instance of an agent. */
export interface ConversationView {
  version: string;
  /** The last ones, in the order of their time. */
  turns: Turn[];
  agent: string | null;
  /** The key of the instance of the agent. */
  instance: string | null;
  /** How many conversations it has. */
  conversations: number;
  /** How many traces it has, shown or not. */
  traces: number;
  /** Seconds, of all traces that ended. */
  took: number;
  tokens: number;
  cost: number | null;
  errors: number;
  running: boolean;
}

/** One span with all its content. */
export interface SpanView {
  row: { [field: string]: unknown };
  /** The rows of the first comments on it. */
  comments: { [field: string]: unknown }[];
  /** How many comments there are. */
  commentCount: number;
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

/** To the thread that searches. */
export type SearchMessage =
  | { kind: 'rows'; rows: [traceId: string, row: { [field: string]: unknown }][] }
  | { kind: 'keep'; traceId: string; rowIds: string[] }
  | { kind: 'find'; id: number; needle: string; within?: string; excerptsOf?: string[] };

/** From it: ids of traces, ids of rows of one trace, or excerpts. */
export interface SearchAnswer {
  id: number;
  result: string[] | (Excerpt | null)[];
}
