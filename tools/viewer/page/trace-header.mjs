// The header of a trace: its facts and its actions.

import { counted } from '../../support/format.js';
import { CopyButton } from './copy.mjs';
import { html } from './html.mjs';
import { Icon } from './icons.mjs';
import { traceLink } from './place.mjs';
import { factsOf, writeReport } from './report.mjs';
import { Search } from './search.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').TraceSummary} TraceSummary */
/** @typedef {import('./trace.mjs').TraceFacts} TraceFacts */

/**
 * @param {object} props
 * @param {TraceSummary} props.trace
 * @param {TraceFacts} props.facts
 * @param {string} props.query
 * @param {(query: string) => void} props.onQuery
 * @param {() => void} props.onError shows the next error
 */
export function TraceHeader({ trace, facts, query, onQuery, onError }) {
  const [recovery] = facts.recoveries;
  const isRunning = facts.running.length > 0;
  const failures = facts.failures.length;
  return html`
    <header class="bar trace-bar">
      <a class="button" href="#/"><${Icon} name="back" /> Traces</a>
      <h1 dir="auto" title=${trace.id}>${trace.name}</h1>
      ${isRunning && html`<span class="badge running">running</span>`}
      ${
        failures > 0 &&
        html`<button class="badge failed" title="Go to the next error (n)" onClick=${onError}>
          ${counted(failures, 'error')}
        </button>`
      }
      <span class="hint facts">${factsOf(trace).join(' · ')}</span>
      <span class="fill" />
      <${Search} label="Search this trace" query=${query} onQuery=${onQuery} />
      ${
        recovery !== undefined &&
        html`<p class="story" role="note" aria-label="What happened">
          <span aria-hidden="true">⚠ </span><bdi>${recovery.story}</bdi>
        </p>`
      }
    </header>
  `;
}

/**
 * What can be copied of a trace, and its export.
 *
 * @param {{ trace: TraceSummary, spans: SpanSummary[], facts: TraceFacts }} props
 */
export function TraceActions({ trace, spans, facts }) {
  const params = new URLSearchParams({ id: trace.id });
  const path = `/viewer/api/export?${params}`;
  const link = `${location.origin}/${traceLink({ traceId: trace.id })}`;
  return html`
    <${CopyButton} label="Copy the trace id" short="Id" text=${() => trace.id} />
    <${CopyButton} label="Copy the link" short="Link" text=${() => link} />
    <${CopyButton}
      label="Copy the rows as JSON"
      short="JSON"
      text=${async () => JSON.stringify(await readRows(path), null, 2)}
    />
    <${CopyButton}
      label="Copy for a coding agent"
      short="For a coding agent"
      text=${async () => writeReport({ trace, spans, facts, rows: await readRows(path), link })}
    />
    <a class="button" href=${path} download><${Icon} name="download" /> Export</a>
  `;
}

/** @param {string} path @returns {Promise<import('./report.mjs').Row[]>} */
async function readRows(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line));
}
