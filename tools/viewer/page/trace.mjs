// One trace: its waterfall, and the span that was chosen in it.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { findRecoveries } from '../../support/attempts.js';
import { findFailures } from '../../support/failures.js';
import { useLoaded } from './connection.mjs';
import { Details } from './details.mjs';
import { html } from './html.mjs';
import { replacePlace, traceLink } from './place.mjs';
import { useSettled } from './time.mjs';
import { TraceActions, TraceHeader } from './trace-header.mjs';
import { Waterfall } from './waterfall.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').TraceView} TraceView */
/** @typedef {import('../../support/attempts').Recovery} Recovery */

/**
 * The facts that follow from all spans of a trace.
 *
 * @typedef {object} TraceFacts
 * @property {Recovery[]} recoveries
 * @property {ReadonlySet<string>} lost the rows of open spans that nothing will end
 * @property {SpanSummary[]} failures each failure once
 * @property {SpanSummary[]} running the open spans that may still end
 */

const TYPING_MS = 200;

/**
 * One trace.
 *
 * @param {object} props
 * @param {string} props.traceId
 * @param {string | null} props.spanId the one that was chosen
 * @param {string} props.query what is searched for at first
 * @param {import('./connection.mjs').Live} props.live
 */
export function TracePage({ traceId, spanId, query: first, live }) {
  const [query, setQuery] = useState(first);
  const [isFollowing, setFollowing] = useState(false);
  const settled = useSettled(query, TYPING_MS);
  const params = new URLSearchParams({ id: traceId, q: settled });
  const concerns = (/** @type {string[]} */ ids) => ids.includes(traceId);
  const path = `/viewer/api/trace?${params}`;
  const loaded = useLoaded(path, live, concerns);
  const view = /** @type {TraceView | null} */ (loaded.value);
  const facts = useMemo(() => factsOf(view?.spans ?? []), [view?.spans]);
  useEffect(() => {
    document.title = view?.trace.name ?? 'Trace';
  }, [view?.trace.name]);
  const latest = facts.running.at(-1);
  const followed = useRef(/** @type {string | null} */ (null));
  useEffect(() => {
    if (!isFollowing || latest === undefined) return;
    followed.current = latest.spanId;
    show(latest);
  }, [isFollowing, latest?.spanId]);
  useEffect(() => {
    // By whichever key, button or link one goes elsewhere.
    if (spanId !== followed.current) setFollowing(false);
  }, [spanId]);

  if (view === null) return html`<${NoTrace} ...${loaded} />`;
  const { trace, spans, matches, ancestors } = view;
  const chosen = spans.find((span) => span.spanId === spanId);
  /** @param {SpanSummary} span */
  function show(span) {
    // Not in the history: going back leaves the trace, however many spans one looked at.
    replacePlace(traceLink({ traceId, spanId: span.spanId }));
  }
  /** @param {SpanSummary} span */
  const choose = (span) => {
    setFollowing(false);
    show(span);
  };
  /** @param {1 | -1} step */
  const chooseError = (step) => {
    const next = nextFailure(spans, facts.failures, chosen, step);
    if (next !== undefined) choose(next);
  };
  const leave = () => replacePlace(traceLink({ traceId }));
  /** @param {string} key */
  const onKey = (key) => {
    if (key === 'n' || key === 'p') chooseError(key === 'n' ? 1 : -1);
    else if (key === 'f' && facts.running.length > 0) setFollowing(!isFollowing);
    else if (key === 'Escape' && chosen !== undefined) leave();
    else return false;
    return true;
  };
  return html`
    <${TraceHeader}
      trace=${trace}
      facts=${facts}
      query=${query}
      onQuery=${setQuery}
      onError=${() => chooseError(1)}
    />
    <main class=${`trace ${chosen === undefined ? '' : 'with-details'}`}>
      <${Waterfall}
        spans=${spans}
        trace=${trace}
        facts=${facts}
        matches=${query.trim() === '' ? null : matches}
        isSearching=${query !== settled || loaded.path !== path}
        ancestors=${ancestors}
        chosen=${chosen}
        choose=${choose}
        onKey=${onKey}
        isFollowing=${isFollowing}
        onFollow=${facts.running.length > 0 ? () => setFollowing(!isFollowing) : undefined}
        actions=${html`<${TraceActions} trace=${trace} spans=${spans} facts=${facts} />`}
      />
      ${
        chosen !== undefined &&
        html`<${Details}
          key=${chosen.rowId}
          traceId=${traceId}
          span=${chosen}
          facts=${facts}
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
      <h1>${missing ? 'There is no such trace' : 'The trace could not be loaded'}</h1>
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

/** @param {SpanSummary[]} spans @returns {TraceFacts} */
function factsOf(spans) {
  const recoveries = findRecoveries(spans);
  const lost = new Set(spans.filter((span) => span.lost).map(({ rowId }) => rowId));
  const running = spans.filter((span) => span.end === null && !span.lost);
  return {
    recoveries,
    lost,
    failures: findFailures(spans),
    // The one that began last is what is being done.
    running: running.toSorted((a, b) => (a.start ?? -Infinity) - (b.start ?? -Infinity)),
  };
}

/**
 * @param {SpanSummary[]} spans
 * @param {SpanSummary[]} failures
 * @param {SpanSummary | undefined} chosen
 * @param {1 | -1} step
 */
function nextFailure(spans, failures, chosen, step) {
  const at = chosen === undefined ? -1 : spans.indexOf(chosen);
  const places = failures.map((span) => spans.indexOf(span));
  if (step === 1) return failures[places.findIndex((place) => place > at)] ?? failures[0];
  return failures[places.findLastIndex((place) => place < at)] ?? failures.at(-1);
}
