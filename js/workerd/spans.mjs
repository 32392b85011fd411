/**
 * Our names, places and ends for the spans that the `braintrust` package makes of Flue's events, by way of
 * its own `startSpan` and `end`.
 */
import { callingTool } from '../context.js';

/** @typedef {import('braintrust').Span} Span */
/** @typedef {import('braintrust').StartSpanArgs} StartSpanArgs */
/** @typedef {Record<string, any>} Event */
/** @typedef {{ started(): void, ended(): void }} Count */

/** What a span would be a root by. */
const ROOT_MEMBERS = ['parentSpanIds', 'spanId', 'state'];

/** The spans that are open, by Flue's ids. @type {Map<string, Span>} */
const operations = new Map();
/** By the submission that they are the first of. @type {Map<string, Span>} */
const submissions = new Map();
/** @type {Map<string, Span>} */
const tools = new Map();

/** The event that spans are made of at this moment. @type {Event | undefined} */
let told;

/**
 * Runs the work that makes spans of an event.
 * @param {Event} event
 * @param {() => void} work
 */
export function telling(event, work) {
  told = event;
  try {
    work();
  } finally {
    told = undefined;
  }
}

/**
 * Lets whatever is started below a logger or a span have our names and places, and counts what is open.
 * @template {Pick<Span, 'startSpan'>} T
 * @param {T} parent
 * @param {Count} count
 * @returns {T} the same object
 */
export function watched(parent, count) {
  const startSpan = parent.startSpan.bind(parent);
  parent.startSpan = (args) => {
    const owner = told && args && ownerOf(told, args);
    if (args && owner !== undefined && /** @type {unknown} */ (owner) !== parent) {
      return owner.startSpan(withoutRoot(args));
    }
    const span = watched(startSpan(args && { ...args, name: nameOf(args) }), count);
    count.started();
    const forget = remember(span);
    const end = span.end.bind(span);
    let isOpen = true;
    span.end = (options) => {
      if (isOpen) {
        isOpen = false;
        count.ended();
        forget();
      }
      return end({ ...options, ...toolEnd(args) });
    };
    return span;
  };
  return parent;
}

/** A model turn is `llm:<model>`. @param {StartSpanArgs} args */
function nameOf({ name, event }) {
  const model = event?.metadata?.model;
  return name === 'flue.turn' && typeof model === 'string' ? `llm:${model}` : name;
}

/**
 * The open span that an event's own lies below, where the package would place it elsewhere.
 * @param {Event} event
 * @param {StartSpanArgs & { parentSpanIds?: { parentSpanIds?: unknown[] } }} args
 * @returns {Span | undefined}
 */
function ownerOf(event, { parentSpanIds }) {
  switch (event.type) {
    case 'turn_request':
      // A summary's lies below its compaction, where the package has it.
      return event.purpose === 'agent' ? operations.get(event.operationId) : undefined;
    case 'tool_start':
      return operations.get(event.operationId);
    case 'task_start':
      return tools.get(callKey(event));
    case 'operation_start': {
      // A prompt that a tool or a hook makes names neither, and would become a trace of its own.
      if (parentSpanIds?.parentSpanIds?.length !== 0) return undefined;
      const caller = callingTool();
      return (caller && tools.get(callKey(caller))) ?? submissions.get(event.submissionId);
    }
    default:
      return undefined;
  }
}

/**
 * Keeps the span of the event that is told now.
 * @param {Span} span
 * @returns {() => void} to be called when it has ended
 */
function remember(span) {
  if (told?.type === 'tool_start') return keep(tools, callKey(told), span);
  if (told?.type !== 'operation_start') return () => {};
  const { operationId, submissionId } = told;
  const forget = keep(operations, operationId, span);
  if (submissionId === undefined || submissions.has(submissionId)) return forget;
  const forgetFirst = keep(submissions, submissionId, span);
  return () => {
    forget();
    forgetFirst();
  };
}

/**
 * @param {Map<string, Span>} spans
 * @param {string} id
 * @param {Span} span
 */
function keep(spans, id, span) {
  spans.set(id, span);
  return () => void spans.delete(id);
}

/**
 * A provider may give two conversations the same id of a call.
 * @param {{ toolCallId?: string, operationId?: string, runId?: string }} call
 */
const callKey = ({ toolCallId, operationId, runId }) => `${operationId ?? runId} ${toolCallId}`;

/**
 * Flue reports all tools of a batch when the slowest is done: a tool's end is its start and its duration.
 * @param {StartSpanArgs | undefined} args
 */
function toolEnd(args) {
  if (told?.type !== 'tool' && told?.type !== 'tool_call') return undefined;
  const { startTime } = args ?? {};
  const { durationMs } = told;
  if (typeof startTime !== 'number' || typeof durationMs !== 'number') return undefined;
  return { endTime: startTime + durationMs / 1000 };
}

/** @param {StartSpanArgs} args */
function withoutRoot(args) {
  const rest = /** @type {Record<string, unknown>} */ ({ ...args });
  for (const name of ROOT_MEMBERS) delete rest[name];
  return rest;
}
