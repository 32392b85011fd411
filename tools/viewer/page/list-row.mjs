// A row of the list: a trace, or a conversation.

import {
  counted,
  formatCost,
  formatCount,
  formatDuration,
  formatTime,
} from '../../support/format.js';
import { html } from './html.mjs';
import { conversationLink, traceLink } from './place.mjs';
import { NumberCell } from './rows.mjs';
import { typeClass } from './type-class.mjs';

/** @typedef {import('../types').ListRow} Row */

/** Units of an age, in seconds. */
const UNITS = /** @type {const} */ ([
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]);
/** A trace that runs for longer was left open: how long is no news. */
const LONGEST_RUN = 86_400;

/** @param {Row} row @param {string} [query] what was searched for */
export function linkTo({ id, traces }, query) {
  return traces === undefined ? traceLink({ traceId: id, query }) : conversationLink(id);
}

/**
 * @param {object} props
 * @param {string} props.id
 * @param {number} props.index
 * @param {Row | undefined} props.row undefined: it is on its way
 * @param {boolean} props.isActive
 * @param {number} props.now seconds since the epoch
 * @param {string} props.query
 */
export function ListRow({ id, index, row, isActive, now, query }) {
  const own = { id, role: 'row', 'aria-rowindex': index + 2, 'aria-selected': isActive };
  if (row === undefined) {
    return html`<div class="list-row" ...${own}><span role="gridcell">…</span></div>`;
  }
  const { title, type, name, start, tokens, cost, traces } = row;
  return html`
    <div class=${`list-row ${isActive ? 'active' : ''}`} data-id=${row.id} ...${own}>
      <span role="gridcell" class="list-name">
        <span class=${`dot ${typeClass(type)}`} title=${type} />
        <a href=${linkTo(row, query)} tabindex="-1" dir="auto" title=${name}>${title}</a>
        ${(traces ?? 1) > 1 && html`<span class="badge count">${counted(traces ?? 1, 'trace')}</span>`}
      </span>
      <${Texts} row=${row} />
      <span role="gridcell" class="list-badges"><${Badges} row=${row} /></span>
      <${Models} models=${row.models} />
      <${NumberCell} meaning="took" text=${tookOf(row, now)} />
      <${NumberCell} meaning="tokens" text=${tokens > 0 ? formatCount(tokens) : ''} />
      <${NumberCell} meaning="cost" text=${cost === null ? '' : formatCost(cost)} />
      <span role="gridcell" class="number" title=${start === null ? '' : formatTime(start)}>
        ${start !== null && html`<span class="spoken">age </span>${ageOf(now - start)}`}
      </span>
    </div>
  `;
}

/** The question and the answer, or what was searched for. @param {{ row: Row }} props */
function Texts({ row: { question, answer, excerpt, story } }) {
  if (excerpt) {
    const [before, hit, after] = excerpt;
    return html`
      <span role="gridcell" class="list-texts" dir="auto">
        ${before}<mark>${hit}</mark>${after}
      </span>
    `;
  }
  return html`
    <span
      role="gridcell"
      class="list-texts"
      title=${[[question, answer].filter(Boolean).join('\n→ '), story].filter(Boolean).join('\n')}
    >
      <bdi>${question}</bdi>
      ${answer !== '' && html`<span class="hint"> → </span><bdi class="answer">${answer}</bdi>`}
      ${story !== null && html`<span class="hint"> · ${story}</span>`}
    </span>
  `;
}

/** What is special about a trace. @param {{ row: Row }} props */
export function Badges({ row }) {
  const { running, errors, attempt, maxAttempts, interrupted, cancelled, sampled, problems } = row;
  const of = maxAttempts === null ? '' : ` of ${maxAttempts}`;
  return html`
    ${running && html`<span class="badge running">running</span>`}
    ${errors > 0 && html`<span class="badge failed">${counted(errors, 'error')}</span>`}
    ${
      attempt > 1 &&
      html`<span class="badge warned" title=${`Ended by attempt ${attempt}${of}`}
        >attempt ${attempt}</span
      >`
    }
    ${
      interrupted > 0 &&
      html`<span
        class="badge warned"
        title=${`${counted(interrupted, 'span')} without an end of its own`}
      >
        interrupted
      </span>`
    }
    ${cancelled && html`<span class="badge count">cancelled</span>`}
    ${
      sampled !== null &&
      html`<span class="badge count" title="Not all traces are recorded">
        sampled${sampled > 0 ? ` ${Number((sampled * 100).toPrecision(2))} %` : ''}
      </span>`
    }
    ${problems > 0 && html`<span class="badge warned">${counted(problems, 'problem')}</span>`}
    ${
      row.partial === true &&
      html`<span class="badge warned" title="Earlier rows of it were dropped: see --keep"
        >partial</span
      >`
    }
  `;
}

/** @param {{ models: string[] }} props */
function Models({ models: [first, ...others] }) {
  return html`
    <span role="gridcell" class="list-model" title=${[first, ...others].filter(Boolean).join('\n')}>
      ${first !== undefined && html`<span class="spoken">model </span>${first}`}
      ${others.length > 0 && html`<span class="hint"> +${others.length}</span>`}
    </span>
  `;
}

/** @param {Row} row @param {number} now */
export function tookOf({ running, start, took }, now) {
  if (!running) return took === null ? '' : formatDuration(took);
  const since = start === null ? -1 : now - start;
  return since < 0 || since > LONGEST_RUN ? '…' : `${ageOf(since)} …`;
}

/** @param {number} seconds @returns {string} such as `3 min`; `now` for what has yet to come */
function ageOf(seconds) {
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? ['', 0];
  return length === 0 ? 'now' : `${formatCount(Math.floor(seconds / length))} ${unit}`;
}
