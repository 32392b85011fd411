// Draws any JSON value, folded.

import { useState } from 'preact/hooks';

import { counted } from '../../support/format.js';
import { Attachments } from './attachments.mjs';
import { html } from './html.mjs';
import { Markdown, isMarkdown } from './markdown.mjs';

/** More than this is shown when asked for: browsers lay out long texts slowly. */
const SHOWN_CHARACTERS = 4_000;
const ALL_CHARACTERS = 1_000_000;

/**
 * A text of any length.
 *
 * @param {{ text: string, kind?: 'prose' | 'code' | 'markdown' }} props `markdown`: with its markup, if it has any
 */
export function Text({ text, kind = 'prose' }) {
  const [isWhole, setWhole] = useState(false);
  const limit = isWhole ? ALL_CHARACTERS : SHOWN_CHARACTERS;
  const more = text.length - limit;
  const shown = more > 0 ? text.slice(0, limit) : text;
  return html`
    ${
      kind === 'markdown' && isMarkdown(shown)
        ? html`<${Formatted} text=${shown} />`
        : html`<div class=${kind === 'code' ? 'code' : 'prose'} dir="auto">${shown}</div>`
    }
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

/** A text with its markup, or as it is written. @param {{ text: string }} props */
function Formatted({ text }) {
  const [isWritten, setWritten] = useState(false);
  return html`
    ${
      isWritten
        ? html`<div class="prose" dir="auto">${text}</div>`
        : html`<${Markdown} text=${text} />`
    }
    <button class="link small" aria-pressed=${isWritten} onClick=${() => setWritten(!isWritten)}>
      As written
    </button>
  `;
}

/**
 * Any value: texts as texts, all else as JSON, and the files that it refers to.
 *
 * @param {{ value: unknown, isMarkdown?: boolean }} props
 */
export function Value({ value, isMarkdown = false }) {
  const isText = typeof value === 'string';
  const text = isText ? value : JSON.stringify(value, null, 2);
  const kind = isText ? (isMarkdown ? 'markdown' : 'prose') : 'code';
  return html`
    <${Text} text=${text ?? ''} kind=${kind} />
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
            <dt dir="auto">${name}</dt>
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
