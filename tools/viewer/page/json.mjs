// Draws any JSON value, folded.

import { useState } from 'preact/hooks';

import { counted } from '../../support/format.js';
import { Attachments } from './attachments.mjs';
import { html } from './html.mjs';

/** More than this is shown when asked for: browsers lay out long texts slowly. */
const SHOWN_CHARACTERS = 4_000;
const ALL_CHARACTERS = 1_000_000;

/** A text of any length. @param {{ text: string, kind?: string }} props */
export function Text({ text, kind = 'prose' }) {
  const [isWhole, setWhole] = useState(false);
  const limit = isWhole ? ALL_CHARACTERS : SHOWN_CHARACTERS;
  const more = text.length - limit;
  return html`
    <div class=${kind}>${more > 0 ? text.slice(0, limit) : text}</div>
    ${
      more > 0 &&
      (isWhole
        ? html`<p class="hint">${counted(more, 'more character')}: in the export.</p>`
        : html`<button class="link" onClick=${() => setWhole(true)}>
            Show ${counted(more, 'more character')}
          </button>`)
    }
  `;
}

/** Any value: texts as texts, all else as JSON, and the files that it refers to. @param {{ value: unknown }} props */
export function Value({ value }) {
  const isText = typeof value === 'string';
  const text = isText ? value : JSON.stringify(value, null, 2);
  return html`
    <${Text} text=${text} kind=${isText ? 'prose' : 'code'} />
    <${Attachments} value=${value} />
  `;
}

/** The members of an object, one per line. @param {{ members: { [name: string]: unknown } }} props */
export function Members({ members }) {
  return html`
    <dl class="members">
      ${Object.entries(members).map(
        ([name, value]) => html`
          <div key=${name}>
            <dt>${name}</dt>
            <dd>${isPlain(value) ? String(value) : html`<${Value} value=${value} />`}</dd>
          </div>
        `,
      )}
    </dl>
  `;
}

/** @param {unknown} value */
function isPlain(value) {
  return value === null || ['number', 'boolean'].includes(typeof value);
}
