// The details of one span.

import { useState } from 'preact/hooks';

import { formatPause } from '../../support/attempt-story.js';
import { commentText } from '../../support/comments.js';
import { useLoaded } from './connection.mjs';
import { Clamped } from './clamped.mjs';
import { Conversation } from './conversation.mjs';
import { CopyButton } from './copy.mjs';
import { ErrorText } from './error.mjs';
import { Facts } from './facts.mjs';
import { html } from './html.mjs';
import { Glyph, Icon } from './icons.mjs';
import { Members, Value } from './json.mjs';
import { readMessages } from './messages.mjs';
import { traceLink } from './place.mjs';
import { NewInTurn } from './turn.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').SpanView} SpanView */
/** @typedef {import('./trace.mjs').TraceFacts} TraceFacts */

/**
 * All that is known of one span.
 *
 * @param {object} props
 * @param {string} props.traceId
 * @param {SpanSummary} props.span
 * @param {TraceFacts} props.facts
 * @param {import('./connection.mjs').Live} props.live
 * @param {() => void} props.onClose
 */
export function Details({ traceId, span, facts, live, onClose }) {
  const params = new URLSearchParams({ trace: traceId, row: span.rowId });
  const concerns = (/** @type {string[]} */ ids) => ids.includes(traceId);
  const loaded = useLoaded(`/viewer/api/span?${params}`, live, concerns);
  const view = /** @type {SpanView | null} */ (loaded.value);
  const { name, type } = span;
  const link = `${location.origin}/${traceLink({ traceId, spanId: span.spanId })}`;
  return html`
    <aside class="details" aria-label=${`Span ${name}`} aria-busy=${view === null}>
      <header>
        <${Glyph} type=${type} />
        <h2 dir="auto">${name}</h2>
        <button class="button" aria-label="Close the span" title="Close (Esc)" onClick=${onClose}>
          <${Icon} name="close" />
        </button>
      </header>
      <div class="tools">
        <${CopyButton} label="Copy the span id" short="Id" text=${() => span.spanId} />
        <${CopyButton} label="Copy the link to the span" short="Link" text=${() => link} />
        ${
          view !== null &&
          html`<${CopyButton}
            label="Copy the row as JSON"
            short="JSON"
            text=${() => JSON.stringify(view.row, null, 2)}
          />`
        }
      </div>
      <${Ending} span=${span} facts=${facts} />
      ${view !== null && html`<${Content} ...${view} span=${span} facts=${facts} traceId=${traceId} />`}
    </aside>
  `;
}

/**
 * Why a span did not end by itself, in words.
 *
 * @param {{ span: SpanSummary, facts: TraceFacts }} props
 */
function Ending({ span, facts: { recoveries, lost } }) {
  const recovery = recoveries.find(({ rowId }) => rowId === span.rowId);
  if (recovery !== undefined) {
    return html`<p class="notice warned" role="note"><bdi>${recovery.story}</bdi></p>`;
  }
  if (lost.has(span.rowId) || span.interrupted) {
    // The innermost: a resumed task has attempts of its own.
    const around = recoveries.findLast(({ cuts }) => cuts.has(span.rowId));
    const open = lost.has(span.rowId) ? ', which is why it is open in the rows' : '';
    return html`<p class="notice warned" role="note">
      Interrupted: ${around === undefined ? '' : deathOf(around, span)}its own end never
      came${open}.
    </p>`;
  }
  if (!span.cancelled) return null;
  return html`<p class="notice warned" role="note">
    Cancelled: it was aborted, which is not a failure.
  </p>`;
}

/** @param {import('../../support/attempts').Recovery} recovery @param {SpanSummary} span */
function deathOf({ attempts, cuts }, { rowId }) {
  const { number, state, pause } = attempts[cuts.get(rowId) ?? 0] ?? {};
  const ended = state === 'stopped' ? 'was stopped' : 'died';
  const next =
    pause === null || pause === undefined
      ? ''
      : `, and ${formatPause(pause)} later the next one began`;
  return `attempt ${number} ${ended}${next}; `;
}

/**
 * @param {SpanView & { span: SpanSummary, facts: TraceFacts, traceId: string }} props
 */
function Content({ row, comments, commentCount, problems, turn, span, facts, traceId }) {
  const { error, input, output, expected, tags, scores, metadata, metrics } = row;
  const isLost = facts.lost.has(span.rowId);
  return html`
    ${problems.map((problem) => html`<p class="notice warned" key=${problem}>⚠ ${problem}</p>`)}
    ${isThere(error) && html`<section class="notice failed" aria-label="Error"><${ErrorText} error=${error} /></section>`}
    <${Facts} row=${row} span=${span} isLost=${isLost} turn=${turn} />
    ${
      turn === null
        ? html`<${Field} title="Input" value=${input} isClamped=${true} />`
        : html`<${NewInTurn} input=${input} turn=${turn} row=${row} traceId=${traceId} />`
    }
    <${Field} title="Output" value=${output} />
    <${Field} title="Expected" value=${expected} />
    ${comments.length > 0 && html`<${Field} title=${commentsTitle(comments.length, commentCount)} value=${oneOrAll(comments.map(commentText))} />`}
    <${Field} title="Tags" value=${tags} />
    <${Group} title="Scores" members=${scores} isOpen=${true} />
    <${Group} title="Metrics" members=${metrics} isOpen=${true} />
    <${Group} title="Metadata" members=${metadata} isOpen=${false} />
    <${Raw} row=${row} />
  `;
}

/**
 * @param {{ title: string, value: unknown, isClamped?: boolean }} props `isClamped`: what comes after it stays in sight
 */
function Field({ title, value, isClamped = false }) {
  if (!isThere(value)) return null;
  const messages = readMessages(value);
  const content =
    messages === null
      ? html`<${Value} value=${value} isMarkdown=${true} />`
      : html`<${Conversation} messages=${messages} />`;
  return html`
    <section aria-label=${title}>
      <div class="title">
        <h3>${title}</h3>
        <${CopyButton} label=${`Copy: ${title.toLowerCase()}`} text=${() => textOf(value)} />
      </div>
      ${isClamped ? html`<${Clamped} label=${title}>${content}<//>` : content}
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

/** @template T @param {T[]} values @returns {T | T[]} a single one as itself */
function oneOrAll(values) {
  const [first, ...others] = values;
  return first === undefined || others.length > 0 ? values : first;
}

/** @param {number} shown @param {number} all */
function commentsTitle(shown, all) {
  return shown < all ? `Comments (the first ${shown} of ${all})` : 'Comments';
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

/** @param {unknown} value */
function isThere(value) {
  return value !== undefined && value !== null;
}
