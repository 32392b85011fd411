// The list of traces.

import { useEffect, useRef, useState } from 'preact/hooks';

import { useLoaded } from './connection.mjs';
import {
  counted,
  formatCost,
  formatCount,
  formatDuration,
  formatTime,
} from '../../support/format.js';
import { html } from './html.mjs';
import { typeClass } from './type-class.mjs';
import { Icon } from './icons.mjs';
import { NumberCell, Rows } from './rows.mjs';
import { Search } from './search.mjs';

/** @typedef {import('../types').TraceSummary} TraceSummary */
/** @typedef {import('../types').TracePage} TracePage */

const PAGE_SIZE = 200;
const TYPING_MS = 200;

/** All traces, newest first. @param {{ live: import('./connection.mjs').Live }} props */
export function TraceList({ live }) {
  const [query, setQuery] = useState('');
  const [status, setStatus] = useState('');
  const [offset, setOffset] = useState(0);
  const [active, setActive] = useState(-1);
  const settled = useSettled(query, TYPING_MS);
  const page = useTraces({ query: settled, status, offset, live });
  useEffect(() => {
    document.title = 'Traces';
  }, []);
  useEffect(() => setActive(-1), [settled, status]);

  if (page === null) return html`<main class="state" aria-busy="true">Loading …</main>`;
  /** @param {number} index */
  const open = (index) => {
    const trace = page.at(index);
    if (trace !== undefined) location.hash = linkTo(trace);
  };
  return html`
    <header class="bar">
      <h1>Traces</h1>
      <${Search}
        label="Search traces"
        placeholder="Search names, ids and content"
        query=${query}
        onQuery=${setQuery}
      />
      <select
        aria-label="Which traces"
        value=${status}
        onChange=${(/** @type {any} */ { target }) => setStatus(target.value)}
      >
        <option value="">All</option>
        <option value="running">Running</option>
        <option value="failed">With errors</option>
      </select>
      <span class="fill" />
      <span class="hint" role="status">${found(page.total, page.all)}</span>
      <a class="button" href="/viewer/api/export" download><${Icon} name="download" /> Export</a>
    </header>
    <main class="list">
      ${page.all === 0 && html`<${NoTraces} />`}
      ${page.all > 0 && page.total === 0 && html`<p class="state">No trace matches.</p>`}
      ${
        page.total > 0 &&
        html`
          <div class="list-row list-head" aria-hidden="true">
            <span>Name</span><span class="number">Began</span><span class="number">Duration</span>
            <span class="number">Spans</span><span class="number">Tokens</span>
            <span class="number">Cost</span>
          </div>
          <${Rows}
            label="Traces, newest first"
            role="grid"
            count=${page.total}
            active=${active}
            onActive=${setActive}
            onKey=${(/** @type {string} */ key) => key === 'Enter' && (open(active), true)}
            onVisible=${(/** @type {number} */ first, /** @type {number} */ end) =>
              setOffset(Math.max(0, Math.floor((first + end) / 2) - PAGE_SIZE / 2))}
            draw=${(/** @type {number} */ index, /** @type {string} */ id) =>
              html`<${Row}
                key=${page.at(index)?.id ?? index}
                id=${id}
                index=${index}
                trace=${page.at(index)}
                isActive=${index === active}
              />`}
          />
        `
      }
    </main>
  `;
}

/**
 * @param {{ id: string, index: number, trace: TraceSummary | undefined, isActive: boolean }} props
 */
function Row({ id, index, trace, isActive }) {
  const row = { id, role: 'row', 'aria-rowindex': index + 1, 'aria-selected': isActive };
  if (trace === undefined) return html`<div class="list-row" ...${row}>…</div>`;
  const { name, type, start, end, running, spans, tokens, errors } = trace;
  const took = start === null || end === null ? '' : formatDuration(end - start);
  return html`
    <div class=${`list-row ${isActive ? 'active' : ''}`} ...${row}>
      <span role="gridcell" class="list-name">
        <span class=${`dot ${typeClass(type)}`} />
        <a href=${linkTo(trace)} tabindex="-1">${name}</a>
        ${running && html`<span class="badge running">running</span>`}
        ${errors > 0 && html`<span class="badge failed">${counted(errors, 'error')}</span>`}
        ${
          trace.problems > 0 &&
          html`<span class="badge warned">${counted(trace.problems, 'problem')}</span>`
        }
      </span>
      <${NumberCell} meaning="began" text=${start === null ? '' : formatTime(start)} />
      <${NumberCell} meaning="took" text=${running ? '…' : took} />
      <${NumberCell} meaning="spans" text=${formatCount(spans)} />
      <${NumberCell} meaning="tokens" text=${tokens > 0 ? formatCount(tokens) : ''} />
      <${NumberCell} meaning="cost" text=${trace.cost === null ? '' : formatCost(trace.cost)} />
    </div>
  `;
}

function NoTraces() {
  // As one text: a template takes the ends of its lines for mere layout.
  const lines = [
    'export BRAINTRUST_API_KEY=local',
    `export BRAINTRUST_APP_URL=${location.origin}`,
    `export BRAINTRUST_API_URL=${location.origin}`,
  ].join('\n');
  return html`
    <section class="state">
      <h2>No traces yet</h2>
      <p>In the shell of your application, set these and run it; its traces appear here at once.</p>
      <pre class="code">${lines}</pre>
    </section>
  `;
}

/**
 * The part of the list around what is in sight. While another part is on its way the last one stands,
 * at its own place.
 *
 * @param {{ query: string, status: string, offset: number, live: import('./connection.mjs').Live }} of
 */
function useTraces({ query, status, offset, live }) {
  const start = Math.floor(offset / (PAGE_SIZE / 2)) * (PAGE_SIZE / 2);
  const params = new URLSearchParams({ q: query, status, offset: `${start}`, limit: '400' });
  const path = `/viewer/api/traces?${params}`;
  const loaded = useLoaded(path, live, () => true);
  const last = useRef(/** @type {{ value: TracePage, start: number } | null} */ (null));
  if (loaded.value !== null && loaded.path === path) {
    last.current = { value: /** @type {TracePage} */ (loaded.value), start };
  }
  const page = last.current;
  return (
    page && {
      total: page.value.total,
      all: page.value.all,
      /** @param {number} index */
      at: (index) => page.value.traces[index - page.start],
    }
  );
}

/**
 * @template T
 * @param {T} value
 * @param {number} ms
 * @returns {T} what the value was when it last stood still for so long
 */
export function useSettled(value, ms) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** @param {number} total @param {number} all */
function found(total, all) {
  return total === all
    ? counted(all, 'trace')
    : `${formatCount(total)} of ${counted(all, 'trace')}`;
}

/** @param {TraceSummary} trace */
function linkTo({ id }) {
  return `#/trace/${encodeURIComponent(id)}`;
}
