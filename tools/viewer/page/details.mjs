// The details of one span.

import { useState } from 'preact/hooks';

import { useLoaded } from './connection.mjs';
import { Conversation } from './conversation.mjs';
import { counted, formatCost, formatDuration, formatTime } from '../../support/format.js';
import { html } from './html.mjs';
import { typeClass } from './type-class.mjs';
import { Icon } from './icons.mjs';
import { Members, Text, Value } from './json.mjs';
import { readMessages } from './messages.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').SpanView} SpanView */

/**
 * All that is known of one span.
 *
 * @param {object} props
 * @param {string} props.traceId
 * @param {SpanSummary} props.span
 * @param {import('./connection.mjs').Live} props.live
 * @param {() => void} props.onClose
 */
export function Details({ traceId, span, live, onClose }) {
  const params = new URLSearchParams({ trace: traceId, row: span.rowId });
  const concerns = (/** @type {string[]} */ ids) => ids.includes(traceId);
  const loaded = useLoaded(`/viewer/api/span?${params}`, live, concerns);
  const view = /** @type {SpanView | null} */ (loaded.value);
  const { name, type, start, end } = span;
  const facts = [
    type,
    start === null ? [] : formatTime(start),
    end === null ? 'running' : formatDuration(end - (start ?? end)),
    span.tokens > 0 ? counted(span.tokens, 'token') : [],
    span.cost === null ? [] : formatCost(span.cost),
  ].flat();
  return html`
    <aside class="details" aria-label=${`Span ${name}`} aria-busy=${view === null}>
      <header>
        <span class=${`dot ${typeClass(type)}`} />
        <h2>${name}</h2>
        <button class="button" aria-label="Close the span" onClick=${onClose}>
          <${Icon} name="close" />
        </button>
      </header>
      <p class="hint">${facts.join(' · ')}</p>
      ${view !== null && html`<${Content} ...${view} />`}
    </aside>
  `;
}

/** @param {SpanView} view */
function Content({ row, problems }) {
  const { error, input, output, expected, tags, scores, metadata, metrics } = row;
  return html`
    ${problems.map((problem) => html`<p class="notice warned" key=${problem}>⚠ ${problem}</p>`)}
    ${isThere(error) && html`<section class="notice failed" aria-label="Error"><${ErrorText} error=${error} /></section>`}
    <${Field} title="Input" value=${input} />
    <${Field} title="Output" value=${output} />
    <${Field} title="Expected" value=${expected} />
    <${Field} title="Tags" value=${tags} />
    <${Group} title="Scores" members=${scores} isOpen=${true} />
    <${Group} title="Metrics" members=${metrics} isOpen=${true} />
    <${Group} title="Metadata" members=${metadata} isOpen=${false} />
    <${Raw} row=${row} />
  `;
}

/** @param {{ error: unknown }} props */
function ErrorText({ error }) {
  const message = /** @type {{ message?: unknown, stack?: unknown } | null} */ (error);
  if (typeof message !== 'object' || typeof message?.message !== 'string') {
    return html`<${Value} value=${error} />`;
  }
  return html`<${Text} text=${message.message} /><${Value} value=${error} />`;
}

/** @param {{ title: string, value: unknown }} props */
function Field({ title, value }) {
  if (!isThere(value)) return null;
  const messages = readMessages(value);
  return html`
    <section aria-label=${title}>
      <h3>${title}</h3>
      ${
        messages === null
          ? html`<${Value} value=${value} />`
          : html`<${Conversation} messages=${messages} />`
      }
    </section>
  `;
}

/** @param {{ title: string, members: unknown, isOpen: boolean }} props */
function Group({ title, members, isOpen }) {
  if (typeof members !== 'object' || members === null) return null;
  return html`
    <details open=${isOpen} class="group">
      <summary>${title}</summary>
      <${Members} members=${members} />
    </details>
  `;
}

/** @param {{ row: unknown }} props */
function Raw({ row }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details class="group" onToggle=${(/** @type {any} */ { target }) => setOpen(target.open)}>
      <summary>Raw JSON</summary>
      ${isOpen && html`<${Value} value=${row} />`}
    </details>
  `;
}

/** @param {unknown} value */
function isThere(value) {
  return value !== undefined && value !== null;
}
