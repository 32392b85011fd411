'use strict';

// The minimal event of an end that the queue refused.

const { mark } = require('./json/marks.js');
const { JSON } = require('./json/own-json.js');
const { boundaryBefore } = require('./json/text-boundary.js');

/** Marks omitted content. */
const LEFT_OUT = mark('left out, too much waits for delivery');

/** The longest text that is kept, in characters. */
const LONGEST = 1000;

/** The members that identify an activity, its outcome and its usage, at any depth. */
const MEMBERS = `
  type v eventIndex timestamp startedAt durationMs isError outcome kind operation
  runId instanceId agentName submissionId dispatchId conversationId harness session parentSession
  taskId operationId turnId toolCallId workflowName operationKind toolName origin agent
  purpose model provider api reasoning stopReason messagesBefore messagesAfter
  providerId providerName requestedModel reasoningLevel maxTokens temperature
  responseId responseModel finishReason name code message
  input output cacheRead cacheWrite totalTokens total`
  .trim()
  .split(/\s+/);

/** The members that are objects with such members. */
const OBJECTS = ['usage', 'cost', 'error', 'errorInfo', 'request', 'response'];

/** The members of an end that are content; a turn has it in its response. */
const CONTENT = ['agentInput', 'agentOutput', 'result', 'effectiveResult', 'output'];

/**
 * The end of an activity without its content: its ids, its outcome and its token usage. Marks stand in place of
 * the content. Throws where reading the event does.
 * @param {any} event
 */
function minimalEndEvent(event) {
  const kept = membersOf(event, 3);
  for (const name of CONTENT) if (event[name] !== undefined) kept[name] = LEFT_OUT;
  if (event.response?.output !== undefined) kept.response.output = LEFT_OUT;
  return kept;
}

/**
 * @param {any} object
 * @param {number} depth how deep objects are kept in it
 */
function membersOf(object, depth) {
  /** @type {Record<string, any>} */
  const kept = {};
  for (const name of MEMBERS) {
    const value = object[name];
    if (typeof value === 'string') kept[name] = shortened(value);
    else if (typeof value === 'number' || typeof value === 'boolean') kept[name] = value;
  }
  for (const name of depth > 0 ? OBJECTS : []) {
    const value = object[name];
    if (typeof value === 'object' && value !== null) kept[name] = membersOf(value, depth - 1);
    else if (typeof value === 'string') kept[name] = shortened(value);
  }
  return kept;
}

/** @param {string} text */
function shortened(text) {
  const end = boundaryBefore(text, LONGEST);
  return end === text.length ? text : text.slice(0, end) + mark('cut');
}

/**
 * The end of a custom span with nothing but its time and its error, of which a long text is cut.
 * @param {{ span: Record<string, any> }} event `span_end`
 */
function minimalSpanEnd(event) {
  const { end, error } = event.span;
  return { ...event, span: { end, ...(error !== undefined && { error: minimalError(error) }) } };
}

/** @param {any} error JSON-safe. What is not text is kept whole or not at all: a part of its JSON is not JSON. */
function minimalError(error) {
  if (typeof error === 'string') return shortened(error);
  return JSON.stringify(error).length <= LONGEST ? error : LEFT_OUT;
}

module.exports = { LEFT_OUT, minimalEndEvent, minimalSpanEnd };
