// The activities that a trace must show, and the members of Flue's events that identify them.

export interface FlueEvent {
  type: string;
  isError?: boolean;
  // Flue's events are many; the reader looks at the members it needs.
  [member: string]: any;
}

/**
 * Metadata by which a span is found. Besides: `name` is how its name begins, `root` states that nothing
 * is above it, `start` is when it began (ms), for what Flue gives no id.
 */
export type SpanIds = Record<string, string | undefined>;

/** One span that must be there. */
export interface Activity {
  name: string;
  type: 'task' | 'llm' | 'tool';
  ids: SpanIds;
  /** The ids of the span above it; null for a root. */
  parent: SpanIds | null;
  /** When it began, milliseconds since the epoch. */
  start: number;
  /** When it ended, by each of Flue's events that state it; none without such an event. */
  ends: number[];
  /** When it must have ended at the latest, if it is known. */
  endedBy?: number | undefined;
  /** Whether Flue never reported its end. */
  interrupted: boolean;
  failed: boolean;
  /** Whether it was aborted, which is not a failure. */
  cancelled: boolean;
  /** Flue's usage; null for none at all, undefined when it is unknown. */
  usage?: Usage | null | undefined;
  /** Metadata that must be there, too. */
  metadata: Record<string, unknown>;
}

export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  cost: { total: number };
}

/** Kinds of operations that only wrap one other activity. */
export const isWrapper = (kind: string) => kind === 'task' || kind === 'shell';
export const isFailed = (event: FlueEvent | undefined) =>
  event?.isError === true && !isCancelled(event);
/** A turn has its reason, everything else the class of its error; a tool and a task of 0.x only the error's message. */
export const isCancelled = (event: FlueEvent | undefined) => {
  if (event?.isError !== true) return false;
  const { stopReason, response, error, errorInfo, result } = event;
  if ((stopReason ?? response?.finishReason) === 'aborted') return true;
  if (error || errorInfo) return (errorInfo ?? error).name === 'AbortError';
  return (result?.content?.[0].text ?? result) === 'This operation was aborted';
};
export const time = (event: FlueEvent) => Date.parse(event.timestamp);
/** 0.x has no version in its events. */
export const isOld = (event: FlueEvent) => event.v === undefined;
export const deliveryOf = (event: FlueEvent): string | undefined =>
  event.submissionId ?? event.dispatchId;

/** Flue's own usage leaves out compactions that fail. */
export const larger = (own: Usage | undefined, ofTurns: Usage | null): Usage | null =>
  own && own.totalTokens >= (ofTurns?.totalTokens ?? 0) ? own : ofTurns;

export const usageOfTurn = (turn: FlueEvent): Usage | undefined =>
  turn.response?.usage ?? turn.usage;

/** A call's id repeats between agents; within its turn (else operation, else run) and its tool it does not. */
export function toolIds({ toolCallId, toolName, turnId, operationId, runId }: FlueEvent): SpanIds {
  const scope = { 'flue.turn_id': turnId, 'flue.operation_id': operationId, 'flue.run_id': runId };
  const call = String(toolCallId || `missing:${toolName}`);
  // What refers to a call does not name its tool.
  return { 'flue.tool_call_id': call, ...scope, name: `tool:${toolName ?? ''}` };
}

export const isSame = (one: SpanIds, other: SpanIds) =>
  one === other || Object.entries(one).every(([id, value]) => other[id] === value);
