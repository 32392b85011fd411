'use strict';

// Summaries of traces and spans, for lists.

const { findFailures } = require('../support/failures');
const { attemptSpanOf, isInterrupted, metadataOf, walkSpans } = require('../support/span-facts');
const { conversationKey, instanceKey } = require('./conversation-key');
const { cut, dispatchedAgent, lineOf } = require('./texts');

/** @typedef {import('../collector/types').Span} Span */
/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').SpanSummary} SpanSummary */
/** @typedef {import('./types').TraceSummary} TraceSummary */

/** The most characters of a name, of an error's first line, and of a question or an answer. */
const MAX_NAME = 300;
const MAX_ERROR = 500;
const MAX_TEXT = 240;
/** The most characters of the id of a conversation or an instance. */
const MAX_ID = 1_000;

/** How many models of a trace are named. */
const MAX_MODELS = 20;

const WORKFLOW = /^workflow:/;
/** The root of a submission. */
const OPERATION = /^flue\.(\w+)$/;

/**
 * A trace in one line. Its question and its answer are the only content.
 *
 * @param {Trace} trace
 * @returns {TraceSummary}
 */
function summarizeTrace(trace) {
  const { id, spans, roots, openSpans } = trace;
  const root = roots[0];
  const metadata = metadataOf(root);
  let [start, end, tokens, cost] = [NaN, NaN, 0, NaN];
  let interrupted = 0;
  /** @type {Map<string, number>} */
  const models = new Map();
  let agent = text(metadata['flue.agent_name']) ?? dispatchedAgent(root?.row.input);
  let [conversation, instance] = idsOf(metadata);
  for (const span of spans) {
    const { metrics } = span;
    if (span.start !== null && !(span.start >= start)) start = span.start;
    if (span.end !== null && !(span.end <= end)) end = span.end;
    const own = metadataOf(span);
    if (isInterrupted(span)) interrupted += 1;
    agent ??= text(own['flue.agent_name']);
    // Delegated tasks have conversations of their own.
    if (own['flue.parent_session'] === undefined && conversation === null && instance === null) {
      [conversation, instance] = idsOf(own);
    }
    // Only those of model calls: spans above them may repeat their sums.
    if (span.type !== 'llm') continue;
    tokens += tokensOf(metrics);
    if (metrics.estimated_cost !== undefined) cost = (cost || 0) + metrics.estimated_cost;
    const model = text(own.model) ?? span.name.replace(/^llm:/, '');
    models.set(model, (models.get(model) ?? 0) + 1);
  }
  const name = root?.name ?? '(no name)';
  const isWorkflow = WORKFLOW.test(name);
  const [, operation] = OPERATION.exec(name) ?? [];
  const isRunning = openSpans > 0;
  return {
    id,
    name: cut(name, MAX_NAME),
    type: cut(root?.type ?? '', MAX_NAME),
    title: cut(titleOf(name, operation, agent ?? instance, metadata), MAX_NAME),
    kind: cut((isWorkflow ? 'workflow' : operation) ?? root?.type ?? '', MAX_NAME),
    agent: agent && cut(agent, MAX_NAME),
    models: [...models.entries()]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, MAX_MODELS)
      .map(([model]) => cut(model, MAX_NAME)),
    question: lineOf(root?.row.input, MAX_TEXT, 'user'),
    answer: lineOf(root?.row.output, MAX_TEXT, 'assistant'),
    // A workflow's run is not a conversation.
    key: isWorkflow ? null : conversationKey(conversation, instance, agent),
    instanceKey: isWorkflow ? null : instanceKey(instance, agent),
    start: finiteOrNull(start),
    end: finiteOrNull(end),
    took: isRunning ? null : finiteOrNull(Math.max(0, end - start)),
    story: null,
    running: isRunning,
    spans: spans.length,
    tokens: finite(tokens),
    cost: Number.isNaN(cost) ? null : finite(cost),
    errors: countFailures(trace),
    failed: root !== undefined && root.error !== null,
    attempt: numberOr(metadata['flue.attempt'], 1),
    maxAttempts: numberOr(metadata['flue.max_attempts'], null),
    interrupted,
    rootInterrupted: root !== undefined && isInterrupted(root),
    cancelled: metadata['flue.cancelled'] === true,
    sampled: shareOf(metadata),
    problems: trace.problems.length,
  };
}

/**
 * @param {string} name of the root
 * @param {string | undefined} operation
 * @param {string | null} agent or, where it is not known, its instance
 * @param {{ [member: string]: unknown }} metadata of the root
 */
function titleOf(name, operation, agent, metadata) {
  if (WORKFLOW.test(name)) {
    return text(metadata['flue.workflow_name']) ?? (name.replace(WORKFLOW, '') || name);
  }
  // What the application called itself is not replaced.
  return operation === undefined ? name : (agent ?? name);
}

/**
 * How many spans failed by themselves: one above another failed one passes its failure on.
 *
 * @param {Trace} trace
 */
function countFailures({ spans, roots }) {
  if (spans.every(({ error }) => error === null)) return 0;
  const walked = Array.from(walkSpans(roots), ({ span: { error }, depth }) => ({ error, depth }));
  return findFailures(walked).length;
}

/**
 * The conversation and the agent's instance that a span belongs to.
 *
 * @param {{ [member: string]: unknown }} metadata
 * @returns {[string | null, string | null]}
 */
function idsOf(metadata) {
  const ids = [metadata['flue.conversation_id'], metadata['flue.instance_id']].map(text);
  const [conversation = null, instance = null] = ids.map((id) =>
    // A longer one is none: it would be part of addresses.
    id === null || id.length > MAX_ID ? null : id,
  );
  return [conversation, instance];
}

/**
 * @param {{ [member: string]: unknown }} metadata of a root
 * @returns {number | null} the share of traces that are recorded, where it is less than all
 */
function shareOf(metadata) {
  const share = metadata['flue.sample_rate'];
  if (metadata['flue.sampled'] === true && typeof share !== 'number') return 0;
  return typeof share === 'number' && share >= 0 && share < 1 ? share : null;
}

/**
 * A span in the waterfall.
 *
 * @param {Span} span
 * @param {number} depth
 * @returns {SpanSummary}
 */
function summarizeSpan(span, depth) {
  const { spanId, name, type, metrics, error, children, problems } = span;
  return {
    ...attemptSpanOf(span, depth),
    spanId,
    children: children.length,
    name: cut(name, MAX_NAME),
    type: cut(type, MAX_NAME),
    error: error && cut(error, MAX_ERROR),
    problems: problems.length,
    tokens: tokensOf(metrics),
    cost: metrics.estimated_cost ?? null,
  };
}

/**
 * @param {Span['metrics']} metrics
 * @returns {number}
 */
function tokensOf({ tokens, prompt_tokens: prompt = 0, completion_tokens: completion = 0 }) {
  return finite(tokens ?? prompt + completion);
}

/** @param {unknown} value @returns {string | null} */
function text(value) {
  return typeof value === 'string' && value !== '' ? value : null;
}

/**
 * @template T
 * @param {unknown} value
 * @param {T} otherwise
 */
function numberOr(value, otherwise) {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** @param {number} sum @returns {number} JSON has no infinity */
function finite(sum) {
  return Math.max(-Number.MAX_VALUE, Math.min(sum, Number.MAX_VALUE));
}

/** @param {number} number @returns {number | null} */
function finiteOrNull(number) {
  return Number.isNaN(number) ? null : finite(number);
}

module.exports = { countFailures, summarizeSpan, summarizeTrace };
