// A conversation across its traces: its messages, with the steps folded in between.

import { useEffect, useState } from 'preact/hooks';

import { counted, formatCost, formatDuration, formatTime } from '../../support/format.js';
import { useLoaded } from './connection.mjs';
import { html } from './html.mjs';
import { Icon } from './icons.mjs';
import { Text } from './json.mjs';
import { useKeys } from './keys.mjs';
import { Badges, tookOf } from './list-row.mjs';
import { conversationLink, traceLink } from './place.mjs';
import { useNow } from './time.mjs';
import { typeClass } from './type-class.mjs';

/** @typedef {import('../types').ConversationItem} Item */
/** @typedef {import('../types').ConversationView} View */
/** @typedef {import('../types').Turn} Turn */

/** So many traces are shown at first: the last ones. */
const SHOWN_TURNS = 30;

/**
 * @param {object} props
 * @param {string} props.conversation its key
 * @param {import('./connection.mjs').Live} props.live
 */
export function ConversationPage({ conversation, live }) {
  const [last, setLast] = useState(SHOWN_TURNS);
  const params = new URLSearchParams({ key: conversation, last: `${last}` });
  // A trace that joins the conversation is not known by its id.
  const loaded = useLoaded(`/viewer/api/conversation?${params}`, live, () => true);
  const view = /** @type {View | null} */ (loaded.value);
  const now = useNow(view?.running === true ? 1_000 : 30_000);
  const title = view?.agent ?? 'Conversation';
  useEffect(() => {
    document.title = `${title}: conversation`;
  }, [title]);
  useKeys({
    n: () => focusBeside('.conversation-page .failed a', 1),
    p: () => focusBeside('.conversation-page .failed a', -1),
    j: () => focusBeside('.turn > header a', 1),
    k: () => focusBeside('.turn > header a', -1),
  });

  if (view === null) return html`<${NoConversation} ...${loaded} />`;
  const { turns, traces, instance, errors } = view;
  const hidden = traces - turns.length;
  return html`
    <header class="bar">
      <a class="button" href="#/"><${Icon} name="back" /> Traces</a>
      <h1 dir="auto" title=${conversation}>${title}</h1>
      ${view.running && html`<span class="badge running">running</span>`}
      ${errors > 0 && html`<span class="badge failed">${counted(errors, 'error')}</span>`}
      <span class="hint facts">${factsOf(view)}</span>
      <span class="fill" />
      ${
        instance !== null &&
        instance !== conversation &&
        html`<a class="button" href=${conversationLink(instance)} title=${instance}>
          All of this instance
        </a>`
      }
    </header>
    <main
      class="conversation-page"
      data-focus
      tabindex="-1"
      aria-label=${`Conversation with ${title}`}
    >
      ${
        hidden > 0 &&
        html`<button class="link" onClick=${() => setLast(last * 4)}>
          Show earlier traces (${hidden} more)
        </button>`
      }
      ${turns.map((turn) => html`<${TurnSection} key=${turn.id} turn=${turn} now=${now} />`)}
    </main>
  `;
}

/** @param {{ missing: boolean, failed: boolean }} props */
function NoConversation({ missing, failed }) {
  if (!missing && !failed) return html`<main class="state" aria-busy="true">Loading …</main>`;
  return html`
    <main class="state" data-focus tabindex="-1">
      <h1>${missing ? 'There is no such conversation' : 'The conversation could not be loaded'}</h1>
      <p>
        ${missing ? 'It may come still: then it appears here.' : 'It is tried again when the collector answers.'}
      </p>
      <p><a href="#/">All traces</a></p>
    </main>
  `;
}

/** @param {{ turn: Turn, now: number }} props */
function TurnSection({ turn, now }) {
  const { id, summary, items, omitted } = turn;
  const { start, tokens, cost, failed, title } = summary;
  const facts = [
    tookOf(summary, now),
    tokens > 0 ? counted(tokens, 'token') : '',
    cost === null ? '' : formatCost(cost),
  ].filter((fact) => fact !== '');
  const when = start === null ? title : formatTime(start);
  return html`
    <section
      class=${`turn ${failed ? 'failed' : ''}`}
      aria-label=${`Trace of ${when}`}
      data-trace=${id}
    >
      <header>
        <a href=${traceLink({ traceId: id })}>${when}</a>
        <${Badges} row=${summary} />
        <span class="hint">${facts.join(' · ')}</span>
      </header>
      <${Items} traceId=${id} items=${items} />
      ${items.length === 0 && html`<p class="hint">Nothing of it was recorded as text.</p>`}
      ${
        omitted > 0 &&
        html`<p><a href=${traceLink({ traceId: id })}>${counted(omitted, 'more span')}</a></p>`
      }
    </section>
  `;
}

/** @param {{ traceId: string, items: Item[] }} props */
function Items({ traceId, items }) {
  return runsOf(items).map((run) =>
    Array.isArray(run)
      ? html`<${Steps} key=${run[0]?.rowId} traceId=${traceId} steps=${run} />`
      : html`<${Bubble} key=${`${run.kind}-${run.rowId}`} traceId=${traceId} item=${run} />`,
  );
}

/**
 * @param {Item[]} items
 * @returns {(Item | Item[])[]} steps that follow each other are one list
 */
function runsOf(items) {
  /** @type {(Item | Item[])[]} */
  const runs = [];
  for (const item of items) {
    const last = runs.at(-1);
    if (item.kind !== 'step' && item.kind !== 'task') runs.push(item);
    else if (Array.isArray(last)) last.push(item);
    else runs.push([item]);
  }
  return runs;
}

/** A message. @param {{ traceId: string, item: Item }} props */
function Bubble({ traceId, item: { kind, spanId, name, text, error } }) {
  const isFailed = kind === 'error' || error !== null;
  return html`
    <article class=${`bubble bubble-${kind} ${isFailed ? 'failed' : ''}`}>
      <header>
        <b>${kind === 'user' && name.startsWith('task:') ? 'task' : kind}</b>
        <${SpanLink} traceId=${traceId} spanId=${spanId} name=${name} />
      </header>
      <div dir="auto"><${Text} text=${text} /></div>
      ${error !== null && kind !== 'error' && html`<p class="failed">${error}</p>`}
    </article>
  `;
}

/** What was done in between, folded. @param {{ traceId: string, steps: Item[] }} props */
function Steps({ traceId, steps }) {
  const [isOpen, setOpen] = useState(false);
  const failures = steps.filter(({ error }) => error !== null).length;
  const interrupted = steps.filter(({ interrupted }) => interrupted).length;
  return html`
    <details
      class="steps"
      open=${isOpen}
      onToggle=${(/** @type {any} */ { currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>
        ${summaryOf(steps)}
        ${failures > 0 && html` <span class="badge failed">${counted(failures, 'error')}</span>`}
        ${interrupted > 0 && html` <span class="badge warned">interrupted</span>`}
      </summary>
      ${
        isOpen &&
        html`<ul>
          ${steps.map((step) => html`<${Step} key=${step.rowId} traceId=${traceId} step=${step} />`)}
        </ul>`
      }
    </details>
  `;
}

/** @param {{ traceId: string, step: Item }} props */
function Step({ traceId, step }) {
  const { spanId, name, type, text, error, interrupted, items } = step;
  // The task that a tool call delegates is shown with the call.
  const [task] = items.length === 1 && items[0]?.kind === 'task' ? items : [];
  const below = task?.items ?? items;
  const isShownBelow = [step, task].some((one) => one?.kind === 'task') && below.some(isQuestion);
  return html`
    <li class=${error === null ? '' : 'failed'}>
      <span class=${`dot ${typeClass(type)}`} title=${type} />
      <${SpanLink} traceId=${traceId} spanId=${spanId} name=${name} />
      ${task !== undefined && html` → <${SpanLink} traceId=${traceId} ...${task} />`}
      ${text !== '' && !isShownBelow && html` <bdi class="hint">${text}</bdi>`}
      ${(interrupted || task?.interrupted) && html` <span class="badge warned">interrupted</span>`}
      ${[error, task?.error].filter(Boolean).map((line, n) => html` <span key=${n} class="failed">${line}</span>`)}
      <span class="hint"> ${timeOf(step)}</span>
      ${
        below.length > 0 &&
        html`<div class="nested"><${Items} traceId=${traceId} items=${below} /></div>`
      }
    </li>
  `;
}

/** @param {{ traceId: string, spanId: string, name: string }} props */
function SpanLink({ traceId, spanId, name }) {
  return html`<a href=${traceLink({ traceId, spanId })} data-span=${spanId} dir="auto">${name}</a>`;
}

/** @param {Item} item */
function isQuestion({ kind }) {
  return kind === 'user';
}

/** @param {Item[]} steps @returns {string} such as `2 tool calls · 1 delegated task` */
function summaryOf(steps) {
  const counts = { 'tool call': 0, 'delegated task': 0, 'model turn': 0, 'other span': 0 };
  for (const { kind, type, name } of steps) {
    if (kind === 'task' || name === 'tool:task') counts['delegated task'] += 1;
    else if (type === 'tool') counts['tool call'] += 1;
    else if (type === 'llm') counts['model turn'] += 1;
    else counts['other span'] += 1;
  }
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([noun, count]) => counted(count, noun))
    .join(' · ');
}

/** @param {Item} item */
function timeOf({ start, end, interrupted }) {
  if (end === null) return interrupted ? 'no end' : 'running';
  return start === null ? '' : formatDuration(Math.max(0, end - start));
}

/** @param {View} view */
function factsOf({ traces, conversations, took, tokens, cost }) {
  return [
    counted(traces, 'trace'),
    conversations > 1 ? counted(conversations, 'conversation') : [],
    took > 0 ? formatDuration(took) : [],
    tokens > 0 ? counted(tokens, 'token') : [],
    cost === null ? [] : formatCost(cost),
  ]
    .flat()
    .join(' · ');
}

/** Moves the focus among elements. @param {string} selector @param {1 | -1} step */
function focusBeside(selector, step) {
  const all = [...document.querySelectorAll(selector)];
  const { activeElement } = document;
  let at = activeElement === null ? -1 : all.indexOf(activeElement);
  if (at === -1 && activeElement !== null) {
    const isBefore = (/** @type {Element} */ one) =>
      Boolean(activeElement.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING);
    const before = all.filter(isBefore).length;
    at = step === 1 ? before - 1 : before;
    if (activeElement === document.body || activeElement.tagName === 'MAIN')
      at = step === 1 ? -1 : all.length;
  }
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  if (next instanceof HTMLElement) next.focus();
}
