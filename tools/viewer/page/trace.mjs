// One trace as a waterfall.

import { useEffect, useMemo, useState } from 'preact/hooks';

import { useLoaded } from './connection.mjs';
import { Details } from './details.mjs';
import { counted, formatCost, formatCount, formatDuration } from '../../support/format.js';
import { html } from './html.mjs';
import { typeClass } from './type-class.mjs';
import { Icon } from './icons.mjs';
import { useSettled } from './list.mjs';
import { NumberCell, Rows } from './rows.mjs';
import { Search } from './search.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').TraceSummary} TraceSummary */
/** @typedef {import('../types').TraceView} TraceView */

const INDENT = 14;
const TYPING_MS = 200;

/**
 * One trace: its waterfall, and the span that was chosen in it.
 *
 * @param {{ traceId: string, spanId: string | null, live: import('./connection.mjs').Live }} props
 */
export function TracePage({ traceId, spanId, live }) {
  const [query, setQuery] = useState('');
  const settled = useSettled(query, TYPING_MS);
  const params = new URLSearchParams({ id: traceId, q: settled });
  const concerns = (/** @type {string[]} */ ids) => ids.includes(traceId);
  const loaded = useLoaded(`/viewer/api/trace?${params}`, live, concerns);
  const view = /** @type {TraceView | null} */ (loaded.value);
  useEffect(() => {
    if (view !== null) document.title = view.trace.name;
  }, [view?.trace.name]);

  if (view === null) return html`<${NoTrace} ...${loaded} />`;
  const { trace, spans, matches } = view;
  const chosen = spans.find((span) => span.spanId === spanId);
  const place = `#/trace/${encodeURIComponent(traceId)}`;
  /** @param {SpanSummary} span */
  const choose = (span) => {
    // Not in the history: going back leaves the trace, however many spans one looked at.
    history.replaceState(null, '', `${place}/span/${encodeURIComponent(span.spanId)}`);
    dispatchEvent(new Event('hashchange'));
  };
  const chooseNextError = () => {
    const after = chosen === undefined ? 0 : spans.indexOf(chosen) + 1;
    const hasFailed = (/** @type {SpanSummary} */ { error }) => error !== null;
    const next = spans.slice(after).find(hasFailed) ?? spans.find(hasFailed);
    if (next !== undefined) choose(next);
  };
  const leave = () => {
    history.replaceState(null, '', place);
    dispatchEvent(new Event('hashchange'));
  };
  return html`
    <header class="bar">
      <a class="button" href="#/"><${Icon} name="back" /> Traces</a>
      <h1 title=${traceId}>${trace.name}</h1>
      ${trace.running && html`<span class="badge running">running</span>`}
      ${
        trace.errors > 0 &&
        html`<button class="badge failed" title="Go to the next error" onClick=${chooseNextError}>
          ${counted(trace.errors, 'error')}
        </button>`
      }
      <span class="hint facts">${factsOf(trace)}</span>
      <span class="fill" />
      <${Search} label="Search this trace" query=${query} onQuery=${setQuery} />
      <a class="button" href=${`/viewer/api/export?id=${encodeURIComponent(traceId)}`} download>
        <${Icon} name="download" /> Export
      </a>
    </header>
    <main class=${`trace ${chosen === undefined ? '' : 'with-details'}`}>
      <${Waterfall}
        spans=${spans}
        trace=${trace}
        matches=${matches}
        chosen=${chosen}
        choose=${choose}
      />
      ${
        chosen !== undefined &&
        html`<${Details}
          key=${chosen.rowId}
          traceId=${traceId}
          span=${chosen}
          live=${live}
          onClose=${leave}
        />`
      }
    </main>
  `;
}

/** @param {{ missing: boolean, failed: boolean }} props */
function NoTrace({ missing, failed }) {
  if (!missing && !failed) return html`<main class="state" aria-busy="true">Loading …</main>`;
  return html`
    <main class="state">
      <h2>${missing ? 'There is no such trace' : 'The trace could not be loaded'}</h2>
      <p>
        ${
          missing
            ? 'It may come still: then it appears here. A collector without --file forgets its traces when it stops.'
            : 'It is tried again when the collector answers.'
        }
      </p>
      <p><a href="#/">All traces</a></p>
    </main>
  `;
}

/**
 * @param {object} props
 * @param {SpanSummary[]} props.spans
 * @param {TraceSummary} props.trace
 * @param {string[] | null} props.matches
 * @param {SpanSummary | undefined} props.chosen
 * @param {(span: SpanSummary) => void} props.choose
 */
function Waterfall({ spans, trace, matches, chosen, choose }) {
  const [folded, setFolded] = useState(/** @type {ReadonlySet<string>} */ (new Set()));
  const found = useMemo(() => matches && new Set(matches), [matches]);
  const shown = useMemo(() => visibleSpans(spans, folded, found), [spans, folded, found]);
  const active = chosen === undefined ? -1 : shown.indexOf(chosen);
  /** @param {SpanSummary} span @param {boolean} isFolded */
  const fold = ({ rowId }, isFolded) => {
    const next = new Set(folded);
    if (isFolded) next.add(rowId);
    else next.delete(rowId);
    setFolded(next);
  };
  /** @param {string} key */
  const onKey = (key) => {
    if (chosen === undefined || found !== null) return false;
    const isFolded = folded.has(chosen.rowId);
    if (key === 'ArrowRight' && chosen.children > 0) {
      if (isFolded) fold(chosen, false);
      else choose(/** @type {SpanSummary} */ (shown[active + 1]));
    } else if (key === 'ArrowLeft' && chosen.children > 0 && !isFolded) fold(chosen, true);
    else if (key === 'ArrowLeft') {
      const parent = shown.slice(0, active).findLast(({ depth }) => depth < chosen.depth);
      if (parent !== undefined) choose(parent);
    } else return false;
    return true;
  };
  return html`
    <section class="waterfall">
      ${
        found !== null &&
        html`<p class="hint" role="status">
          ${counted(shown.length, 'span')} of ${formatCount(spans.length)} contain it
        </p>`
      }
      <${Rows}
        label="Spans"
        role="treegrid"
        count=${shown.length}
        active=${active}
        onActive=${(/** @type {number} */ index) => choose(/** @type {SpanSummary} */ (shown[index]))}
        onKey=${onKey}
        draw=${(/** @type {number} */ index, /** @type {string} */ id) => {
          const span = /** @type {SpanSummary} */ (shown[index]);
          return html`<${SpanRow}
            key=${span.rowId}
            id=${id}
            index=${index}
            span=${span}
            trace=${trace}
            isFolded=${folded.has(span.rowId)}
            isFlat=${found !== null}
            isActive=${index === active}
            choose=${choose}
            fold=${fold}
          />`;
        }}
      />
    </section>
  `;
}

/**
 * @param {object} props
 * @param {string} props.id
 * @param {number} props.index
 * @param {SpanSummary} props.span
 * @param {TraceSummary} props.trace
 * @param {boolean} props.isFolded
 * @param {boolean} props.isFlat as a result of a search: without its place in the tree
 * @param {boolean} props.isActive
 * @param {(span: SpanSummary) => void} props.choose
 * @param {(span: SpanSummary, isFolded: boolean) => void} props.fold
 */
function SpanRow({ id, index, span, trace, isFolded, isFlat, isActive, choose, fold }) {
  const { name, type, depth, children, error, interrupted, cancelled, problems, start, end } = span;
  const hasChildren = children > 0 && !isFlat;
  /** @param {Event} event */
  const onFold = (event) => {
    event.stopPropagation();
    fold(span, !isFolded);
  };
  return html`
    <div
      id=${id}
      class=${`span-row ${isActive ? 'active' : ''} ${error === null ? '' : 'failed'}`}
      role="row"
      aria-rowindex=${index + 1}
      aria-level=${depth + 1}
      aria-expanded=${hasChildren ? !isFolded : undefined}
      aria-selected=${isActive}
      data-span=${span.spanId}
      onClick=${() => choose(span)}
    >
      <span
        role="gridcell"
        class="span-name"
        style=${{ paddingLeft: `${isFlat ? 0 : depth * INDENT}px` }}
      >
        <span
          class=${`fold ${hasChildren ? (isFolded ? 'closed' : 'open') : ''}`}
          aria-hidden="true"
          onClick=${hasChildren ? onFold : undefined}
        />
        <span class=${`dot ${typeClass(type)}`} title=${type} />
        <span class="text">${name}</span>
        ${error !== null && html`<span class="mark failed" title=${error}><${Icon} name="error" /><span class="spoken">failed</span></span>`}
        ${cancelled && html`<span class="mark warned" title="Cancelled">⊘</span>`}
        ${
          (interrupted || problems > 0) &&
          html`<span
            class="mark warned"
            title=${interrupted ? 'Its own end never came' : counted(problems, 'problem')}
            >⚠</span
          >`
        }
      </span>
      <${NumberCell}
        kind="tokens"
        meaning="tokens"
        text=${span.tokens > 0 ? formatCount(span.tokens) : ''}
      />
      <${NumberCell}
        kind="cost"
        meaning="cost"
        text=${span.cost === null ? '' : formatCost(span.cost)}
      />
      <${NumberCell} meaning="took" text=${tookOf(span)} />
      <span class="lane" role="presentation">
        ${
          start !== null &&
          html`<span
            class=${`bar-of ${typeClass(type)} ${end === null ? 'running' : ''}`}
            style=${placeOf(start, end, trace)}
          />`
        }
      </span>
    </div>
  `;
}

/**
 * @param {SpanSummary[]} spans
 * @param {ReadonlySet<string>} folded rows whose descendants are hidden
 * @param {ReadonlySet<string> | null} found rows to show, whatever is folded; null for all
 */
function visibleSpans(spans, folded, found) {
  if (found !== null) return spans.filter(({ rowId }) => found.has(rowId));
  let hiddenBelow = Infinity;
  return spans.filter(({ rowId, depth }) => {
    if (depth > hiddenBelow) return false;
    hiddenBelow = folded.has(rowId) ? depth : Infinity;
    return true;
  });
}

/**
 * Where a span lies in the time of its trace. A running one reaches to what is known last.
 *
 * @param {number} start
 * @param {number | null} end
 * @param {TraceSummary} trace
 */
function placeOf(start, end, trace) {
  const from = trace.start ?? start;
  const whole = Math.max((trace.end ?? start) - from, 0.001);
  const left = Math.min((start - from) / whole, 1);
  const right = Math.min(((end ?? trace.end ?? start) - from) / whole, 1);
  return { left: `${left * 100}%`, width: `${Math.max(right - left, 0) * 100}%` };
}

/** @param {SpanSummary} span */
function tookOf({ start, end }) {
  if (end === null) return 'running';
  return start === null ? '' : formatDuration(end - start);
}

/** @param {TraceSummary} trace */
function factsOf({ start, end, spans, tokens, cost: dollars }) {
  return [
    start === null || end === null ? [] : formatDuration(end - start),
    counted(spans, 'span'),
    tokens > 0 ? counted(tokens, 'token') : [],
    dollars === null ? [] : formatCost(dollars),
  ]
    .flat()
    .join(' · ');
}
