'use strict';

// What the page asks for, as data. Knows nothing of HTTP.

const { readTurn } = require('./conversation');
const { Deltas } = require('./deltas');
const { choicesOf, listRows, readQuery } = require('./list-query');
const { ancestorsOf, matchesIn } = require('./matches');
const { Search } = require('./search');
const { SpanLists } = require('./span-lists');
const { TraceIndex } = require('./trace-index');
const { describeTurn } = require('./turns');

/** @typedef {import('../collector/types').Row} Row */
/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').ListRow} ListRow */
/** @typedef {import('./types').TraceSummary} TraceSummary */
/** @typedef {import('./types').Turn} Turn */

/** How many traces a list has without `limit`, and at most. */
const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 500;
/** How many traces of a conversation are shown without `last`, and at most: the last ones. */
const SHOWN_TURNS = 30;
const MAX_SHOWN_TURNS = 2_000;
/** How many traces before that of a turn are searched for the turn that it continues. */
const EARLIER_TRACES = 20;
/** The most comments of a span that are shown. */
const MAX_COMMENTS = 200;
/** The longest text that is searched, in characters. */
const MAX_NEEDLE = 1_000;

/**
 * Where the rows come from.
 *
 * @typedef {object} RowSource
 * @property {() => string[]} traceIds
 * @property {(id: string) => Trace} trace without spans when there is none of this id
 * @property {(id: string) => Row[]} rowsOfTrace with the comments on them
 * @property {(id: string) => boolean} isPartial whether rows of this trace were dropped
 */

/** The data of the page's views. Each answer has a version; a page that has one gets what changed since. */
class ViewerData {
  #source;
  #index;
  #search;
  #spanLists = new SpanLists();
  #deltas = new Deltas();
  /** Rows as they were sent: the same object means unchanged. @type {WeakMap<ListRow, Map<string, ListRow>>} */
  #sentRows = new WeakMap();
  /** @type {WeakMap<TraceSummary, Turn>} */
  #turns = new WeakMap();

  /** @param {RowSource} source */
  constructor(source) {
    this.#source = source;
    this.#index = new TraceIndex(source);
    this.#search = new Search(source);
  }

  /** @param {string[]} traceIds traces whose rows changed, or that are gone */
  changed(traceIds) {
    this.#index.changed(traceIds);
    this.#search.changed(traceIds);
  }

  /** @param {Trace} trace as it is now */
  built(trace) {
    this.#index.built(trace);
  }

  close() {
    this.#search.close();
  }

  /**
   * @param {URLSearchParams} params `q`, `texts`, `offset`, `limit`, `since`, and those of `readQuery`
   * @returns {Promise<import('./types').Answer<import('./types').TracePage, 'traces'>>}
   */
  async list(params) {
    const needle = needleOf(params);
    const { all, summaries } = await this.#rowsOfList(params, needle);
    const offset = countOr(params.get('offset'), 0);
    const limit = Math.min(countOr(params.get('limit'), PAGE_SIZE), MAX_PAGE_SIZE);
    const window = all.slice(offset, offset + limit);
    const hasTexts = params.get('texts') === 'true';
    const excerpts = hasTexts && needle !== '' ? await this.#excerpts(needle, window) : [];
    const traces = window.map((row, n) => this.#sentRow(row, hasTexts, excerpts[n] ?? null));
    const { version, delta } = this.#deltas.answer('list', params.get('since'), traces, keyOf);
    return {
      version,
      ...(delta === undefined ? { traces } : { delta: { of: 'traces', ...delta } }),
      offset,
      total: all.length,
      all: summaries.length,
      choices: choicesOf(summaries),
    };
  }

  /**
   * The next row of a list with an error, or the one before; from the end it goes on at the beginning.
   *
   * @param {URLSearchParams} params `after`, `direction` (`previous` or not), and those of the list
   * @returns {Promise<{ index: number, id: string } | undefined>}
   */
  async nextError(params) {
    const { all } = await this.#rowsOfList(params, needleOf(params));
    const step = params.get('direction') === 'previous' ? -1 : 1;
    const after = all.findIndex(({ id }) => id === params.get('after'));
    const from = after === -1 && step === -1 ? all.length : after;
    for (let n = 1; n <= all.length; n += 1) {
      const index = (from + step * n + all.length * 2) % all.length;
      const row = all[index];
      if (row !== undefined && row.errors > 0) return { index, id: row.id };
    }
    return undefined;
  }

  /**
   * @param {URLSearchParams} params
   * @param {string} needle
   * @returns {Promise<{ all: ListRow[], summaries: TraceSummary[] }>} the rows of the list, and all traces
   */
  async #rowsOfList(params, needle) {
    const found = needle === '' ? null : new Set(await this.#search.traces(needle));
    const summaries = await this.#index.all();
    const among = found === null ? summaries : summaries.filter(({ id }) => found.has(id));
    return { all: listRows(among, readQuery(params)), summaries };
  }

  /**
   * @param {URLSearchParams} params `id`, `q`, `since`
   * @returns {Promise<import('./types').Answer<import('./types').TraceView, 'spans'> | undefined>}
   */
  async trace(params) {
    const id = params.get('id') ?? '';
    const needle = needleOf(params);
    const matches = needle === '' ? null : new Set(await this.#search.rows(needle, id));
    const trace = this.#index.trace(id);
    if (trace.spans.length === 0) return undefined;
    const spans = this.#spanLists.of(trace);
    const found = matches && matchesIn(trace, matches);
    const kind = `spans ${id}`;
    const { version, delta } = this.#deltas.answer(kind, params.get('since'), spans, rowIdOf);
    return {
      version,
      trace: this.#summary(id),
      ...(delta === undefined ? { spans } : { delta: { of: 'spans', ...delta } }),
      matches: found && [...found],
      ancestors: found && ancestorsOf(trace, found),
    };
  }

  /**
   * @param {URLSearchParams} params `trace`, `row`
   * @returns {Promise<import('./types').SpanView | undefined>}
   */
  async span(params) {
    const id = params.get('trace') ?? '';
    const summaries = await this.#index.all();
    const trace = this.#index.trace(id);
    const span = trace.spans.find(({ rowId }) => rowId === params.get('row'));
    if (span === undefined) return undefined;
    const others = () => this.#conversationOf(id, summaries);
    const { row, comments, problems } = span;
    return {
      row,
      comments: comments.slice(0, MAX_COMMENTS),
      commentCount: comments.length,
      problems,
      turn: describeTurn(trace, span, others),
    };
  }

  /**
   * The traces before one in its conversation, the latest first, each as it is asked for.
   *
   * @param {string} id
   * @param {TraceSummary[]} summaries of all traces
   * @returns {Generator<Trace>}
   */
  *#conversationOf(id, summaries) {
    const { key, start } = this.#index.summary(id);
    if (key === null || start === null) return;
    const earlier = summaries
      .filter((other) => other.key === key && other.start !== null && other.start < start)
      .toSorted((a, b) => (b.start ?? 0) - (a.start ?? 0));
    for (const other of earlier.slice(0, EARLIER_TRACES)) yield this.#index.trace(other.id);
  }

  /**
   * The traces of one conversation, or of one instance of an agent, in the order of their time.
   *
   * @param {URLSearchParams} params `key`, `last`, `since`
   * @returns {Promise<import('./types').Answer<import('./types').ConversationView, 'turns'> | undefined>}
   */
  async conversation(params) {
    const key = params.get('key') ?? '';
    const all = (await this.#index.all()).filter(
      (summary) => summary.key === key || summary.instanceKey === key,
    );
    if (all.length === 0) return undefined;
    all.sort((a, b) => (a.start ?? Infinity) - (b.start ?? Infinity));
    const last = Math.min(countOr(params.get('last'), SHOWN_TURNS), MAX_SHOWN_TURNS);
    const turns = all.slice(-Math.max(last, 1)).map((summary) => this.#turn(summary));
    const kind = `turns ${key}`;
    const { version, delta } = this.#deltas.answer(kind, params.get('since'), turns, keyOf);
    const conversations = new Set(all.map((summary) => summary.key));
    return {
      version,
      ...(delta === undefined ? { turns } : { delta: { of: 'turns', ...delta } }),
      agent: all.findLast(({ agent }) => agent !== null)?.agent ?? null,
      instance: all.findLast(({ instanceKey }) => instanceKey !== null)?.instanceKey ?? null,
      conversations: conversations.size,
      traces: all.length,
      took: all.reduce((sum, { took }) => sum + (took ?? 0), 0),
      tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
      cost: all.reduce(
        (/** @type {number | null} */ sum, { cost }) => (cost === null ? sum : (sum ?? 0) + cost),
        null,
      ),
      errors: all.reduce((sum, { errors }) => sum + errors, 0),
      running: all.some(({ running }) => running),
    };
  }

  /** @param {TraceSummary} summary @returns {Turn} */
  #turn(summary) {
    const known = this.#turns.get(summary);
    if (known !== undefined) return known;
    const turn = readTurn(this.#source.trace(summary.id), this.#withPartial(summary));
    this.#turns.set(summary, turn);
    return turn;
  }

  /** @param {string} id @returns {TraceSummary} */
  #summary(id) {
    return this.#withPartial(this.#index.summary(id));
  }

  /** @template {ListRow} T @param {T} row @returns {T} */
  #withPartial(row) {
    return row.traces === undefined && this.#source.isPartial(row.id)
      ? { ...row, partial: true }
      : row;
  }

  /** @param {string} needle @param {ListRow[]} rows */
  async #excerpts(needle, rows) {
    // A conversation has several traces; its page shows which of them contains the text.
    const ids = rows.map(({ id, traces }) => (traces === undefined ? id : ''));
    return this.#search.excerpts(needle, ids);
  }

  /**
   * @param {ListRow} row
   * @param {boolean} hasTexts
   * @param {import('./types').Excerpt | null} excerpt
   * @returns {ListRow} the same object for the same arguments
   */
  #sentRow(row, hasTexts, excerpt) {
    const key = JSON.stringify([hasTexts, excerpt, this.#source.isPartial(row.id)]);
    const sent = this.#sentRows.get(row) ?? new Map();
    const known = sent.get(key);
    if (known !== undefined) return known;
    const whole = this.#withPartial(row);
    const made = hasTexts ? { ...whole, excerpt } : { ...whole, question: '', answer: '' };
    // Room for the rows of a few simultaneous searches.
    if (sent.size > 8) sent.clear();
    this.#sentRows.set(row, sent.set(key, made));
    return made;
  }
}

/** @param {URLSearchParams} params */
function needleOf(params) {
  return (params.get('q') ?? '').trim().slice(0, MAX_NEEDLE);
}

/** @param {{ id: string }} element */
function keyOf({ id }) {
  return id;
}

/** @param {{ rowId: string }} element */
function rowIdOf({ rowId }) {
  return rowId;
}

/**
 * @param {string | null} text
 * @param {number} otherwise
 */
function countOr(text, otherwise) {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
}

module.exports = { ViewerData };
