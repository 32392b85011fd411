'use strict';

// The messages and steps of a trace, as a part of a conversation.

const { isObject } = require('../support/json');
const { isInterrupted, metadataOf } = require('../support/span-facts');
const { cut, textOf } = require('./texts');

/** @typedef {import('../collector/types').Span} Span */
/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').ConversationItem} ConversationItem */
/** @typedef {import('./types').Turn} Turn */
/** @typedef {import('./types').TraceSummary} TraceSummary */

/** The most characters of a message; its span has all of it. */
const MAX_TEXT = 8_000;
/** The most characters of the text of a step. */
const MAX_STEP_TEXT = 300;
/** The most tools that are named as the calls of a model turn. */
const MAX_CALLS = 20;
/** The most items of one trace, and how deep they are nested; the trace has all. */
const MAX_ITEMS = 300;
const MAX_DEPTH = 6;

const OPERATION = /^flue\.\w+$/;

/**
 * A trace as messages, with its other spans as steps between them.
 *
 * @param {Trace} trace
 * @param {TraceSummary} summary
 * @returns {Turn}
 */
function readTurn(trace, summary) {
  const count = { left: MAX_ITEMS };
  const [root, ...others] = trace.roots;
  const isWork = root !== undefined && root.type !== 'llm';
  const items = isWork
    ? [...readWork(root, count, 0, ''), ...readChildren(others, count, 0, '')]
    : readChildren(trace.roots, count, 0, '');
  return { id: trace.id, summary, items, omitted: omittedOf(trace, items) };
}

/**
 * A span that has been asked something: the question, what it did, and the answer.
 *
 * @param {Span} span
 * @param {{ left: number }} count
 * @param {number} depth
 * @param {string} asked the question above it, which an operation may repeat
 * @returns {ConversationItem[]}
 */
function readWork(span, count, depth, asked) {
  const { row, children } = span;
  const question = textOf(row.input, MAX_TEXT, 'user');
  const answer = textOf(row.output, MAX_TEXT, 'assistant');
  const done = readChildren(children, count, depth, question || asked);
  const last = done.findLast(({ kind }) => kind === 'assistant');
  const isRepeated = last !== undefined && last.text.trim() === answer.trim();
  return [
    ...(question === '' || question === asked ? [] : [itemOf('user', span, question)]),
    ...done,
    ...(answer === '' || isRepeated ? [] : [itemOf('assistant', span, answer)]),
    ...(span.error !== null && !done.some(({ error }) => error !== null)
      ? [itemOf('error', span, span.error)]
      : []),
  ];
}

/**
 * @param {Span[]} spans
 * @param {{ left: number }} count
 * @param {number} depth
 * @param {string} asked the question above it, which an operation may repeat
 * @returns {ConversationItem[]}
 */
function readChildren(spans, count, depth, asked) {
  /** @type {ConversationItem[]} */
  const items = [];
  for (const span of spans) {
    if (count.left <= 0) break;
    count.left -= 1;
    if (span.type === 'llm' && metadataOf(span)['flue.turn_purpose'] !== 'compaction') {
      items.push(...readReply(span, count, depth, asked));
    } else if (OPERATION.test(span.name) && depth < MAX_DEPTH) {
      items.push(...readWork(span, count, depth, asked));
    } else {
      items.push(readStep(span, count, depth, asked));
    }
  }
  return items;
}

/**
 * A model turn: its reply. One without a text is a step.
 *
 * @param {Span} span
 * @param {{ left: number }} count
 * @param {number} depth
 * @param {string} asked the question above it, which an operation may repeat
 * @returns {ConversationItem[]}
 */
function readReply(span, count, depth, asked) {
  const text = textOf(span.row.output, MAX_TEXT, 'assistant');
  if (text === '') return [readStep(span, count, depth, asked, callsOf(span.row.output))];
  const below = depth < MAX_DEPTH ? readChildren(span.children, count, depth + 1, asked) : [];
  return [itemOf('assistant', span, text), ...below];
}

/**
 * Anything else that was done, with what lies below it.
 *
 * @param {Span} span
 * @param {{ left: number }} count
 * @param {number} depth
 * @param {string} asked the question above it, which an operation may repeat
 * @param {string} [text] default: the beginning of its input
 * @returns {ConversationItem}
 */
function readStep(span, count, depth, asked, text = textOf(span.row.input, MAX_STEP_TEXT, 'user')) {
  const isTask = span.type === 'task' && span.name.startsWith('task:');
  const step = itemOf(isTask ? 'task' : 'step', span, text);
  if (depth < MAX_DEPTH) {
    step.items = isTask
      ? readWork(span, count, depth + 1, '')
      : readChildren(span.children, count, depth + 1, asked);
  }
  return step;
}

/**
 * @param {unknown} output of a model turn
 * @returns {string} the tools that it calls
 */
function callsOf(output) {
  const [choice] = Array.isArray(output) ? output : [output];
  const message = isObject(choice) && isObject(choice.message) ? choice.message : choice;
  if (!isObject(message)) return '';
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : message.content;
  const names = (Array.isArray(calls) ? calls.slice(0, MAX_CALLS) : []).flatMap((call) => {
    const { name } = isObject(call?.function) ? call.function : (call ?? {});
    return typeof name === 'string' ? [name] : [];
  });
  return names.length === 0 ? '' : cut(`calls ${names.join(', ')}`, MAX_STEP_TEXT);
}

/**
 * @param {ConversationItem['kind']} kind
 * @param {Span} span
 * @param {string} text
 * @returns {ConversationItem}
 */
function itemOf(kind, span, text) {
  const { rowId, spanId, name, type, start, end, error } = span;
  return {
    kind,
    rowId,
    spanId,
    name: cut(name, MAX_STEP_TEXT),
    type,
    start,
    end,
    error: error && cut(error, MAX_STEP_TEXT),
    interrupted: isInterrupted(span),
    text,
    items: [],
  };
}

/** @param {Trace} trace @param {ConversationItem[]} items @returns {number} how many spans are not shown */
function omittedOf({ spans }, items) {
  const shown = new Set();
  const waiting = [...items];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    shown.add(item.rowId);
    for (const below of item.items) waiting.push(below);
  }
  // Operations are shown by what they did.
  const hidden = spans.filter(({ rowId, name }) => !shown.has(rowId) && !OPERATION.test(name));
  return hidden.length;
}

module.exports = { readTurn };
