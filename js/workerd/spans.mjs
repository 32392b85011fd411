/** Our names and places for the spans that the `braintrust` package starts, by way of its own `startSpan`. */
import { callingTool } from '../context.js';

/** @typedef {import('braintrust').Span} Span */
/** @typedef {import('braintrust').StartSpanArgs} StartSpanArgs */
/** @typedef {{ started(): void, ended(): void }} Count */

/** The tool calls whose spans are open, by their ids. @type {Map<string, Span>} */
const tools = new Map();

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
    if (args === undefined) return watchedEnd(watched(startSpan(args), count), count);
    const caller = isDetached(args) ? callingSpan() : undefined;
    if (caller !== undefined) return caller.startSpan(placed(args));
    const span = watched(startSpan({ ...args, name: nameOf(args) }), count);
    const call = args.event?.metadata?.['flue.tool_call_id'];
    if (typeof call !== 'string') return watchedEnd(span, count);
    tools.set(call, span);
    return watchedEnd(span, count, () => tools.delete(call));
  };
  return parent;
}

/**
 * @param {Span} span
 * @param {Count} count
 * @param {() => unknown} [then]
 */
function watchedEnd(span, count, then) {
  const end = span.end.bind(span);
  let isOpen = true;
  count.started();
  span.end = (options) => {
    if (isOpen) {
      isOpen = false;
      count.ended();
      then?.();
    }
    return end(options);
  };
  return span;
}

/** A model turn is `llm:<model>`. @param {StartSpanArgs} args */
function nameOf({ name, event }) {
  const model = event?.metadata?.model;
  return name === 'flue.turn' && typeof model === 'string' ? `llm:${model}` : name;
}

/**
 * Whether it is a prompt that is to be the root of a trace of its own, whatever made it.
 * @param {StartSpanArgs & { parentSpanIds?: { parentSpanIds?: unknown[] } }} args
 */
const isDetached = ({ name, parentSpanIds }) =>
  name === 'flue.prompt' && parentSpanIds?.parentSpanIds?.length === 0;

/** The span of the tool call that runs now, if one does. */
function callingSpan() {
  const call = callingTool()?.toolCallId;
  return call === undefined ? undefined : tools.get(call);
}

/** Without what would make it a root. @param {StartSpanArgs} args */
function placed(args) {
  const rest = /** @type {Record<string, unknown>} */ ({ ...args });
  for (const name of ['parentSpanIds', 'spanId', 'state']) delete rest[name];
  return rest;
}
