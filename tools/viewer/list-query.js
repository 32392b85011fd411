'use strict';

// Which traces a list has, in which order, and how they are grouped.

/** @typedef {import('./types').ListRow} ListRow */
/** @typedef {import('./types').TraceSummary} TraceSummary */

/**
 * What is listed. Absent members restrict nothing. Times are seconds since the epoch.
 *
 * @typedef {object} ListQuery
 * @property {string} status
 * @property {string} agent
 * @property {string} model
 * @property {string} type
 * @property {string} conversation the key of a conversation, as in the address of its page
 * @property {number | null} from
 * @property {number | null} to
 * @property {number | null} minDuration seconds
 * @property {number | null} maxDuration
 * @property {number | null} minCost dollars
 * @property {number | null} maxCost
 * @property {keyof typeof SORTS} sort
 * @property {boolean} ascending
 * @property {boolean} grouped whether the traces of a conversation are one row
 */

/** @type {{ [status: string]: (summary: TraceSummary) => boolean }} */
const STATUSES = {
  running: ({ running }) => running,
  failed: ({ errors }) => errors > 0,
  interrupted: ({ interrupted }) => interrupted > 0,
  retried: ({ attempt }) => attempt > 1,
  cancelled: ({ cancelled }) => cancelled,
  succeeded: ({ running, failed, cancelled, rootInterrupted }) =>
    !running && !failed && !cancelled && !rootInterrupted,
};

/** What rows are sorted by. Rows without a value come last; what has not begun counts as newest. */
const SORTS = {
  start: (/** @type {ListRow} */ { start }) => start ?? Infinity,
  title: (/** @type {ListRow} */ { title }) => title,
  question: (/** @type {ListRow} */ { question }) => question || null,
  model: (/** @type {ListRow} */ { models }) => models[0] ?? null,
  took: (/** @type {ListRow} */ { took }) => took,
  tokens: (/** @type {ListRow} */ { tokens }) => tokens || null,
  cost: (/** @type {ListRow} */ { cost }) => cost,
  errors: (/** @type {ListRow} */ { errors }) => errors || null,
};

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** The most values of a filter that are offered: the most frequent ones. */
const MAX_CHOICES = 100;

/** How many models of a conversation are named. */
const MAX_MODELS = 20;

/** The rows of conversations, by their last trace: the same object means unchanged. @type {WeakMap<TraceSummary, { traces: TraceSummary[], row: ListRow }>} */
const grouped = new WeakMap();

/**
 * @param {URLSearchParams} params
 * @returns {ListQuery}
 */
function readQuery(params) {
  const text = (/** @type {string} */ name) => params.get(name) ?? '';
  const number = (/** @type {string} */ name) => {
    const value = Number(params.get(name) || NaN);
    return Number.isFinite(value) ? value : null;
  };
  const sort = text('sort');
  return {
    status: text('status'),
    agent: text('agent'),
    model: text('model'),
    type: text('type'),
    conversation: text('conversation'),
    from: number('from'),
    to: number('to'),
    minDuration: number('minDuration'),
    maxDuration: number('maxDuration'),
    minCost: number('minCost'),
    maxCost: number('maxCost'),
    sort: Object.hasOwn(SORTS, sort) ? /** @type {keyof typeof SORTS} */ (sort) : 'start',
    ascending: params.get('dir') === 'asc',
    grouped: params.get('group') === 'conversation',
  };
}

/**
 * @param {TraceSummary[]} summaries
 * @param {ListQuery} query
 * @returns {ListRow[]}
 */
function listRows(summaries, query) {
  const matching = summaries.filter((summary) => matches(summary, query));
  const rows = query.grouped ? group(matching) : matching;
  const valueOf = SORTS[query.sort];
  const sign = query.ascending ? 1 : -1;
  const keyed = rows.map((row) => ({ row, value: valueOf(row) }));
  keyed.sort((a, b) => compare(a.value, b.value, sign) || newerFirst(a.row, b.row));
  return keyed.map(({ row }) => row);
}

/**
 * @param {TraceSummary} summary
 * @param {ListQuery} query
 */
function matches(summary, query) {
  const { agent, models, kind, start, cost, took } = summary;
  const hasStatus = Object.hasOwn(STATUSES, query.status) ? STATUSES[query.status] : undefined;
  return (
    (hasStatus === undefined || hasStatus(summary)) &&
    (query.agent === '' || agent === query.agent) &&
    (query.model === '' || models.includes(query.model)) &&
    (query.type === '' || kind === query.type) &&
    (query.conversation === '' || summary.key === query.conversation) &&
    isWithin(start, query.from, query.to) &&
    isWithin(took, query.minDuration, query.maxDuration) &&
    isWithin(cost, query.minCost, query.maxCost)
  );
}

/**
 * @param {number | null} value
 * @param {number | null} least
 * @param {number | null} most
 */
function isWithin(value, least, most) {
  if (least === null && most === null) return true;
  return value !== null && value >= (least ?? -Infinity) && value <= (most ?? Infinity);
}

/**
 * @param {string | number | null} a
 * @param {string | number | null} b
 * @param {number} sign
 */
function compare(a, b, sign) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'string' || typeof b === 'string') {
    return sign * COLLATOR.compare(String(a), String(b));
  }
  return a === b ? 0 : sign * (a < b ? -1 : 1);
}

/** @param {ListRow} a @param {ListRow} b */
function newerFirst(a, b) {
  return compare(a.start ?? Infinity, b.start ?? Infinity, -1) || (a.id < b.id ? -1 : 1);
}

/**
 * @param {TraceSummary[]} summaries
 * @returns {ListRow[]} one row for each conversation, and one for each trace without one
 */
function group(summaries) {
  /** @type {Map<string, TraceSummary[]>} */
  const conversations = new Map();
  /** @type {ListRow[]} */
  const rows = [];
  for (const summary of summaries) {
    const { key } = summary;
    const traces = key === null ? undefined : conversations.get(key);
    if (key === null) rows.push(summary);
    else if (traces === undefined) conversations.set(key, [summary]);
    else traces.push(summary);
  }
  for (const [key, traces] of conversations) rows.push(summarizeConversation(key, traces));
  return rows;
}

/**
 * A conversation in one line: what is asked first, and answered last.
 *
 * @param {string} key
 * @param {TraceSummary[]} unsorted one or more traces
 * @returns {ListRow}
 */
function summarizeConversation(key, unsorted) {
  const traces = unsorted.toSorted((a, b) => newerFirst(b, a));
  const first = /** @type {TraceSummary} */ (traces[0]);
  const last = /** @type {TraceSummary} */ (traces.at(-1));
  const known = grouped.get(last);
  if (known?.row.id === key && isSame(known.traces, traces)) return known.row;
  const sum = (/** @type {(trace: TraceSummary) => number | null} */ of) => {
    const values = traces.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
  };
  /** @type {ListRow} */
  const row = {
    ...last,
    id: key,
    traces: traces.length,
    models: [...new Set(traces.flatMap(({ models }) => models))].slice(0, MAX_MODELS),
    question: first.question,
    answer: traces.findLast(({ answer }) => answer !== '')?.answer ?? '',
    end: traces.reduce((latest, { end }) => later(latest, end), last.end),
    took: sum(({ took }) => took),
    running: traces.some(({ running }) => running),
    spans: sum(({ spans }) => spans) ?? 0,
    tokens: sum(({ tokens }) => tokens) ?? 0,
    cost: sum(({ cost }) => cost),
    errors: sum(({ errors }) => errors) ?? 0,
    attempt: traces.reduce((most, { attempt }) => Math.max(most, attempt), 1),
    interrupted: sum(({ interrupted }) => interrupted) ?? 0,
    problems: sum(({ problems }) => problems) ?? 0,
  };
  grouped.set(last, { traces, row });
  return row;
}

/** @param {number | null} a @param {number | null} b */
function later(a, b) {
  return a === null || (b !== null && b > a) ? b : a;
}

/** @param {TraceSummary[]} a @param {TraceSummary[]} b */
function isSame(a, b) {
  return a.length === b.length && a.every((trace, n) => trace === b[n]);
}

/**
 * The values that the filters offer: the most frequent ones, with how many traces have each.
 *
 * @param {TraceSummary[]} summaries
 * @returns {import('./types').Choices}
 */
function choicesOf(summaries) {
  const [agents, models, types] = [new Map(), new Map(), new Map()];
  const count = (/** @type {Map<string, number>} */ map, /** @type {string | null} */ value) => {
    if (value !== null && value !== '') map.set(value, (map.get(value) ?? 0) + 1);
  };
  for (const { agent, models: used, kind } of summaries) {
    count(agents, agent);
    for (const model of used) count(models, model);
    count(types, kind);
  }
  return { agents: mostFrequent(agents), models: mostFrequent(models), types: mostFrequent(types) };
}

/** @param {Map<string, number>} counts @returns {[string, number][]} by name */
function mostFrequent(counts) {
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MAX_CHOICES)
    .toSorted(([a], [b]) => COLLATOR.compare(a, b));
}

module.exports = { choicesOf, listRows, readQuery };
