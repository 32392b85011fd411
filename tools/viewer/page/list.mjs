// The list of traces.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { counted, formatCount } from '../../support/format.js';
import { useLoaded } from './connection.mjs';
import { Filters, requestParams } from './filters.mjs';
import { html } from './html.mjs';
import { Icon } from './icons.mjs';
import { useKeys } from './keys.mjs';
import { ListGrid } from './list-grid.mjs';
import { ListRow, linkTo } from './list-row.mjs';
import { useChooseError } from './next-error.mjs';
import { NoTraces } from './no-traces.mjs';
import { conversationLink, replaceListParams } from './place.mjs';
import { Search } from './search.mjs';
import { useNow, useSettled } from './time.mjs';

/** @typedef {import('../types').ListRow} Row */
/** @typedef {import('../types').TracePage} TracePage */

/** How many rows are loaded, and by how many the visible ones must move before others are. */
const WINDOW = 200;
const STEP = 50;
const TYPING_MS = 200;
/** The address follows the scroll when it rests. */
const SCROLL_REST_MS = 250;

const COLUMNS = [
  { title: 'Agent', sort: 'title' },
  { title: 'Question → answer', sort: 'question' },
  { title: 'Status', sort: 'errors' },
  { title: 'Model', sort: 'model' },
  { title: 'Duration', sort: 'took', isNumber: true },
  { title: 'Tokens', sort: 'tokens', isNumber: true },
  { title: 'Cost', sort: 'cost', isNumber: true },
  { title: 'Age', sort: 'start', isNumber: true },
];
/** What sorts by texts begins with the first, what sorts by numbers with the largest. */
const ASCENDING_FIRST = new Set(['title', 'question', 'model']);

/**
 * All traces. Its state is in the address: query, filters, order, scroll and the active row.
 *
 * @param {{ params: URLSearchParams, live: import('./connection.mjs').Live }} props
 */
export function TraceList({ params, live }) {
  const [query, setQuery] = useState(params.get('q') ?? '');
  const settled = useSettled(query, TYPING_MS);
  const first = useRef(Number(params.get('top')) || 0);
  const [middle, setMiddle] = useState(first.current);
  const [active, setActive] = useState({ id: params.get('on'), index: -1 });
  const grid = useRef(/** @type {import('./list-grid.mjs').GridHandle | null} */ (null));
  const minute = useNow(60_000);
  const request = requestParams(params, settled, minute);
  const { page, failed } = useTraces(request, middle, live);
  const now = useNow(page?.hasRunning ? 1_000 : 10_000);

  useEffect(() => {
    document.title = 'Traces';
  }, []);
  // Going back and forth, and a link that someone follows, change the address alone.
  useEffect(() => {
    const given = params.get('q') ?? '';
    if (given !== settled) setQuery(given);
  }, [params.get('q') ?? '']);
  useEffect(() => {
    if (settled !== (params.get('q') ?? '')) change({ q: settled });
  }, [settled]);
  useScrollPosition(grid, page, request, first);

  const activeIndex = indexOfActive(active, page);
  /** @param {number} index @param {Row | undefined} row */
  const choose = (index, row) => {
    setActive({ id: row?.id ?? null, index });
    replaceListParams({ on: row?.id ?? null }, true);
  };
  /** @param {{ [name: string]: string | null }} changes */
  const change = (changes) => {
    setActive({ id: null, index: -1 });
    first.current = 0;
    grid.current?.scrollToRow(0);
    replaceListParams({ ...changes, top: null, on: null });
  };
  useEffect(() => {
    // A row that was chosen before it was loaded.
    const row = active.id === null ? page?.at(active.index) : undefined;
    if (row !== undefined) choose(active.index, row);
  }, [page]);
  const chooseError = useChooseError(request, active.id, (index, id) => {
    setActive({ id, index });
    replaceListParams({ on: id }, true);
    grid.current?.show(index);
    grid.current?.focus();
  });
  const openConversation = () => {
    const key = page?.at(activeIndex)?.key ?? null;
    if (key === null) return;
    keepScroll();
    location.hash = conversationLink(key);
  };
  useKeys({
    c: () => openConversation(),
    n: () => chooseError('next'),
    p: () => chooseError('previous'),
  });
  const keepScroll = () => {
    const top = grid.current?.topRow() ?? 0;
    replaceListParams({ top: top > 0 ? `${top}` : null }, true);
  };
  const open = () => {
    const row = page?.at(activeIndex);
    if (page === null || row === undefined) return;
    keepScroll();
    location.hash = linkTo(row, page.query);
  };
  const onVisible = useVisibleRows(setMiddle);

  if (page === null) return html`<${NoList} failed=${failed} />`;
  const { sort, ascending } = orderOf(params);
  return html`
    <header class="bar">
      <h1>Traces</h1>
      <${Search}
        label="Search traces"
        placeholder="Search names, ids and content"
        query=${query}
        onQuery=${setQuery}
      />
      <span class="fill" />
      <span class="hint" role="status">${found(page)}</span>
      <a class="button" href="/viewer/api/export" download><${Icon} name="download" /> Export</a>
    </header>
    <${Filters} params=${params} choices=${page.choices} onChange=${change} />
    <main class="list" onClickCapture=${keepScroll}>
      ${page.all === 0 && html`<${NoTraces} />`}
      ${page.all > 0 && page.total === 0 && html`<p class="state">No trace matches.</p>`}
      ${
        page.total > 0 &&
        html`<${ListGrid}
          label=${page.isGrouped ? 'Conversations' : 'Traces'}
          columns=${COLUMNS}
          sort=${page.order.sort}
          ascending=${page.order.ascending}
          onSort=${(/** @type {string} */ by) => {
            const isUp = by === sort ? !ascending : ASCENDING_FIRST.has(by);
            change({ sort: by, dir: isUp ? 'asc' : 'desc' });
          }}
          count=${page.total}
          active=${activeIndex}
          onActive=${(/** @type {number} */ index) => choose(index, page.at(index))}
          onEnter=${open}
          onVisible=${onVisible}
          handle=${grid}
          draw=${(/** @type {number} */ index, /** @type {string} */ id) =>
            html`<${ListRow}
              key=${page.at(index)?.id ?? index}
              id=${id}
              index=${index}
              row=${page.at(index)}
              isActive=${index === activeIndex}
              now=${now}
              query=${page.query}
            />`}
        />`
      }
    </main>
  `;
}

/** @param {{ failed: boolean }} props */
function NoList({ failed }) {
  if (!failed) return html`<main class="state" aria-busy="true">Loading …</main>`;
  return html`
    <main class="state">
      <h1>The traces could not be loaded</h1>
      <p>
        It is tried again. If the collector was started anew, open the address that it has printed.
      </p>
    </main>
  `;
}

/**
 * @typedef {object} Page
 * @property {string} request whose answer it is
 * @property {string} query what was searched for
 * @property {boolean} isGrouped whether its rows are conversations
 * @property {{ sort: string, ascending: boolean }} order of its rows, which may not be the one that is wanted yet
 * @property {number} total
 * @property {number} all
 * @property {import('../types').Choices} choices
 * @property {boolean} hasRunning
 * @property {(index: number) => Row | undefined} at
 * @property {(id: string) => number} indexOf -1: it is not among those that are loaded
 */

/**
 * The part of the list around what is in sight. While another part is on its way the last one stands,
 * at its own place.
 *
 * @param {URLSearchParams} request
 * @param {number} middle
 * @param {import('./connection.mjs').Live} live
 * @returns {{ page: Page | null, failed: boolean }}
 */
function useTraces(request, middle, live) {
  const start = Math.max(0, Math.floor((middle - WINDOW / 2) / STEP) * STEP);
  const path = `/viewer/api/traces?${request}&texts=true&offset=${start}&limit=${WINDOW}`;
  const loaded = useLoaded(path, live, () => true);
  const last = useRef(/** @type {{ value: TracePage, page: Page } | null} */ (null));
  const value = /** @type {TracePage | null} */ (loaded.value);
  if (value !== null && loaded.path === path && last.current?.value !== value) {
    last.current = { value, page: pageOf(value, request) };
  }
  return { page: last.current?.page ?? null, failed: loaded.failed };
}

/** @param {TracePage} value @param {URLSearchParams} request @returns {Page} */
function pageOf({ traces, offset, total, all, choices }, request) {
  const indexes = new Map(traces.map(({ id }, n) => [id, offset + n]));
  return {
    request: request.toString(),
    query: request.get('q') ?? '',
    isGrouped: request.get('group') === 'conversation',
    order: orderOf(request),
    total,
    all,
    choices,
    hasRunning: traces.some(({ running }) => running),
    at: (index) => traces[index - offset],
    indexOf: (id) => indexes.get(id) ?? -1,
  };
}

/**
 * Where the active row is now: rows that come and go move it.
 *
 * @param {{ id: string | null, index: number }} active
 * @param {Page | null} page
 */
function indexOfActive({ id, index }, page) {
  if (id === null || page === null) return index;
  const found = page.indexOf(id);
  if (found >= 0) return found;
  // Out of what is loaded it keeps its place; where another row is, it is gone.
  return page.at(index) === undefined ? index : -1;
}

/**
 * Restores the scroll that the address has, and keeps what is in sight in its place when rows come above it.
 *
 * @param {{ current: import('./list-grid.mjs').GridHandle | null }} grid
 * @param {Page | null} page
 * @param {URLSearchParams} request
 * @param {{ current: number }} first the topmost row at the beginning
 */
function useScrollPosition(grid, page, request, first) {
  const last = useRef(/** @type {Page | null} */ (null));
  useLayoutEffect(() => {
    const before = last.current;
    last.current = page;
    if (page === null || grid.current === null) return;
    if (first.current > 0) {
      grid.current.scrollToRow(first.current);
      first.current = 0;
      return;
    }
    const top = grid.current.topRow();
    if (before === null || before.request !== page.request || top === 0) return;
    const id = before.at(top)?.id;
    const moved = id === undefined ? -1 : page.indexOf(id);
    if (moved >= 0 && moved !== top) grid.current.scrollToRow(moved);
  }, [page, request.toString()]);
}

/**
 * @param {(middle: number) => void} setMiddle
 * @returns {(first: number, end: number, top: number) => void} notes what is in sight, in the address, too
 */
function useVisibleRows(setMiddle) {
  const resting = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => () => clearTimeout(resting.current), []);
  const isFirst = useRef(true);
  const [onVisible] = useState(
    () => (/** @type {number} */ first, /** @type {number} */ end, /** @type {number} */ top) => {
      // The first call comes before the scroll is restored.
      if (isFirst.current) {
        isFirst.current = false;
        return;
      }
      setMiddle(Math.floor((first + end) / 2));
      clearTimeout(resting.current);
      resting.current = setTimeout(
        () => replaceListParams({ top: top > 0 ? `${top}` : null }, true),
        SCROLL_REST_MS,
      );
    },
  );
  return onVisible;
}

/** @param {URLSearchParams} params */
function orderOf(params) {
  return { sort: params.get('sort') || 'start', ascending: params.get('dir') === 'asc' };
}

/** @param {Page} page */
function found({ total, all, isGrouped }) {
  if (isGrouped) return `${counted(total, 'conversation')} of ${counted(all, 'trace')}`;
  return total === all
    ? counted(all, 'trace')
    : `${formatCount(total)} of ${counted(all, 'trace')}`;
}
