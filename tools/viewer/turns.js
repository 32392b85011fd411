'use strict';

// What is new in a model turn, compared with the turn before it.

const { isDeepStrictEqual } = require('node:util');

const { writtenTokens } = require('../support/cache-tokens');
const { isObject } = require('../support/json');
const { metadataOf } = require('../support/span-facts');
const { costsOf } = require('./prices');
const { countUnchanged, inputOf, isContinued, isRelated, sameUntil } = require('./turn-input');

/** @typedef {import('../collector/types').Span} Span */
/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').TurnChange} TurnChange */
/** @typedef {import('./types').TurnView} TurnView */

/** How many earlier turns are compared until one is found whose input this one continues. */
const COMPARED_TURNS = 20;

/**
 * Compares a turn with the one before it in its conversation.
 *
 * @param {Trace} trace
 * @param {Span} span
 * @param {() => Iterable<Trace>} [others] all traces: the conversation may have begun in another one
 * @returns {TurnView | null} null for what is not a model turn
 */
function describeTurn(trace, span, others = () => []) {
  if (span.type !== 'llm') return null;
  const turns = turnsLike(trace, span);
  const at = turns.indexOf(span);
  const known = {
    number: at + 1,
    of: turns.length,
    leftOut: inputOf(span).offset,
    costs: costsOf(span, trace.spans),
  };
  const here = continuedBy(span, turns.slice(0, at));
  const found =
    here === undefined ? earlierTurn(trace, span, others) : { trace, turns, turn: here };
  if (found === undefined) return { ...known, previous: null, unchanged: 0, changes: [] };
  const { turn } = found;
  return {
    ...known,
    previous: {
      traceId: found.trace.id,
      spanId: turn.spanId,
      number: found.turns.indexOf(turn) + 1,
      end: turn.end,
      cachedTokens: cachedTokensOf(turn),
    },
    unchanged: countUnchanged(inputOf(turn), inputOf(span)),
    changes: changesOf([...new Set([found.trace, trace])], turn, span),
  };
}

/** The turns of a span's conversation in a trace, in their order. @param {Trace} trace @param {Span} span */
function turnsLike(trace, span) {
  const key = conversationOf(span, trace);
  return trace.spans
    .filter((other) => other.type === 'llm' && conversationOf(other, trace) === key)
    .toSorted(byStart);
}

/**
 * The latest of some turns that a turn continues, or else the latest one of the same conversation.
 *
 * @param {Span} span
 * @param {Span[]} turns
 * @returns {Span | undefined}
 */
function continuedBy(span, turns) {
  const input = inputOf(span);
  const earlier = turns.slice(-COMPARED_TURNS).toReversed();
  const related = earlier.filter((other) => isRelated(inputOf(other), input));
  return related.find((other) => isContinued(inputOf(other), input)) ?? related[0];
}

/**
 * The turn before the first one of a trace, in another trace.
 *
 * @param {Trace} trace
 * @param {Span} span
 * @param {() => Iterable<Trace>} others
 */
function earlierTurn(trace, span, others) {
  if (metadataOf(span)['flue.conversation_id'] === undefined) return undefined;
  /** @type {{ trace: Trace, turns: Span[] }[]} */
  const found = [];
  for (const other of others()) {
    if (other.id === trace.id) continue;
    const turns = turnsLike(other, span);
    const before = turns.filter(({ start }) => (start ?? Infinity) < (span.start ?? -Infinity));
    if (before.length > 0) found.push({ trace: other, turns: before });
  }
  const latest = found.toSorted((a, b) => byStart(lastOf(b.turns), lastOf(a.turns)));
  for (const { trace, turns } of latest.slice(0, COMPARED_TURNS)) {
    const turn = continuedBy(span, turns);
    if (turn !== undefined) return { trace, turns, turn };
  }
  return undefined;
}

/** @param {Span[]} turns not empty @returns {Span} */
function lastOf(turns) {
  return /** @type {Span} */ (turns.at(-1));
}

/** @param {Span} a @param {Span} b */
function byStart(a, b) {
  return a.start === b.start ? 0 : (a.start ?? Infinity) - (b.start ?? Infinity);
}

/** @param {Span} span @returns {number | null} */
function cachedTokensOf({ metrics }) {
  const { prompt_cached_tokens: read } = metrics;
  const written = writtenTokens(metrics);
  return read === undefined && written === undefined ? null : (read ?? 0) + (written ?? 0);
}

/**
 * What keeps a provider's cache of the earlier input from serving this one, in the order in which providers read it.
 *
 * @param {Trace[]} traces the ones of the two turns
 * @param {Span} previous
 * @param {Span} span
 * @returns {TurnChange[]}
 */
function changesOf(traces, previous, span) {
  const [before, input] = [inputOf(previous), inputOf(span)];
  /** @type {TurnChange[]} */
  const changes = [];
  const [oldModel, model] = [metadataOf(previous).model, metadataOf(span).model];
  if (typeof oldModel === 'string' && typeof model === 'string' && oldModel !== model) {
    changes.push({ what: 'model', from: oldModel, to: model });
  }
  const tools = toolChange(toolsOf(previous), toolsOf(span));
  if (tools !== null) changes.push(tools);
  if (!isDeepStrictEqual(before.system, input.system)) changes.push({ what: 'system' });
  const same = sameUntil(before, input);
  if (same < before.offset + before.messages.length) {
    const compaction = compactionBetween(traces, previous, span);
    const message = input.messages[same - input.offset];
    if (compaction !== undefined) changes.push({ what: 'compaction', spanId: compaction.spanId });
    else if (message === undefined) changes.push({ what: 'removed', number: same + 1 });
    else {
      const role = isObject(message) && typeof message.role === 'string' ? message.role : '';
      changes.push({ what: 'message', number: same + 1, role });
    }
  }
  return changes;
}

/**
 * @param {Trace[]} traces
 * @param {Span} previous
 * @param {Span} span
 */
function compactionBetween(traces, previous, span) {
  const conversation = metadataOf(span)['flue.conversation_id'];
  const spans = traces.flatMap((trace) => trace.spans);
  return spans.find(
    (other) =>
      other.name.startsWith('compaction:') &&
      other.start !== null &&
      other.start >= (previous.start ?? Infinity) &&
      other.start <= (span.start ?? -Infinity) &&
      metadataOf(other)['flue.conversation_id'] === conversation,
  );
}

/** @param {Span} span @returns {Map<string, unknown>} by name */
function toolsOf(span) {
  const { tools } = metadataOf(span);
  const list = Array.isArray(tools) ? tools : [];
  return new Map(list.map((tool, i) => [nameOf(tool) ?? `#${i + 1}`, tool]));
}

/** @param {unknown} tool @returns {string | undefined} */
function nameOf(tool) {
  if (!isObject(tool)) return undefined;
  const { name } = isObject(tool.function) ? tool.function : tool;
  return typeof name === 'string' ? name : undefined;
}

/**
 * @param {Map<string, unknown>} before
 * @param {Map<string, unknown>} now
 * @returns {TurnChange | null}
 */
function toolChange(before, now) {
  const added = [...now.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !now.has(name));
  const altered = [...now].filter(
    ([name, tool]) => before.has(name) && !isDeepStrictEqual(before.get(name), tool),
  );
  const isMoved = !isDeepStrictEqual([...before.keys()], [...now.keys()]);
  if (added.length + removed.length + altered.length === 0 && !isMoved) return null;
  return { what: 'tools', added, removed, altered: altered.map(([name]) => name) };
}

/** Metadata that together name a conversation where `flue.conversation_id` is not known. */
const CONVERSATION_PARTS = ['flue.instance_id', 'flue.harness', 'flue.session', 'flue.task_id'];

/**
 * What the turns of one conversation have in common. Without any metadata: their parent; one without a parent stands
 * alone.
 *
 * @param {Span} span
 * @param {Trace} trace the one in which a parent is looked for
 * @returns {string}
 */
function conversationOf(span, trace) {
  const metadata = metadataOf(span);
  const purpose = metadata['flue.turn_purpose'] ?? 'agent';
  const id = metadata['flue.conversation_id'];
  if (id !== undefined) return JSON.stringify([purpose, id]);
  const values = CONVERSATION_PARTS.map((name) => metadata[name]);
  const isKnown = values.some((value) => value !== undefined);
  return JSON.stringify([purpose, isKnown ? values : (parentsOf(trace).get(span) ?? span).rowId]);
}

/** @type {WeakMap<Trace, Map<Span, Span>>} */
const parents = new WeakMap();

/** @param {Trace} trace @returns {Map<Span, Span>} the parent of each span that has one */
function parentsOf(trace) {
  const known = parents.get(trace);
  if (known !== undefined) return known;
  const found = new Map(trace.spans.flatMap((span) => span.children.map((child) => [child, span])));
  parents.set(trace, found);
  return found;
}

module.exports = { describeTurn };
