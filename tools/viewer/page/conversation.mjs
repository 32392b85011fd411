// The messages of a model turn.

import { useState } from 'preact/hooks';

import { counted, formatCount } from '../../support/format.js';
import { isLeftOutNote } from '../../support/messages.js';
import { html } from './html.mjs';
import { Text, Value } from './json.mjs';
import { parsed } from './messages.mjs';

/** @typedef {import('./messages.mjs').Message} Message */
/** @typedef {import('./messages.mjs').Part} Part */

/** Of a longer conversation the last ones are shown: they are what is new. */
const SHOWN_MESSAGES = 12;
/** A longer system prompt is folded. */
const SHOWN_PROMPT = 160;

/** @param {{ messages: Message[], from?: number }} props `from`: how many come before them */
export function Conversation({ messages, from = 0 }) {
  const [isWhole, setWhole] = useState(false);
  const hidden = isWhole ? 0 : Math.max(0, messages.length - SHOWN_MESSAGES);
  return html`
    <div class="conversation">
      ${
        hidden > 0 &&
        html`<button class="link" onClick=${() => setWhole(true)}>
          Show ${counted(hidden, 'earlier message')}
        </button>`
      }
      ${messages
        .slice(hidden)
        .map((message, i) => html`<${Message} key=${from + hidden + i} message=${message} />`)}
    </div>
  `;
}

/**
 * Messages that were there before, in one line.
 *
 * @param {{ messages: Message[], count: number, since: string, leftOut: number }} props
 */
export function EarlierMessages({ messages, count, since, leftOut }) {
  const [isOpen, setOpen] = useState(false);
  const shown = messages.filter(({ value }) => !isLeftOutNote(value));
  const total = count - (messages.length - shown.length);
  return html`
    <details class="earlier" onToggle=${(/** @type {any} */ { target }) => setOpen(target.open)}>
      <summary>${counted(total, 'earlier message')}${since}</summary>
      ${leftOut > 0 && html`<p class="hint">This input leaves out ${formatCount(leftOut)} of them.</p>`}
      ${isOpen && html`<${Conversation} messages=${shown} />`}
    </details>
  `;
}

/** @param {{ message: Message }} props */
function Message({ message: { role, about, failed, parts } }) {
  const isPrompt = role === 'system' || role === 'developer';
  return html`
    <article class=${`message role-${role} ${failed ? 'failed' : ''}`}>
      <header>
        <b dir="auto">${role}</b>${' '}<span dir="auto">${about}</span>
        ${failed && html`${' '}<em>failed</em>`}
      </header>
      ${parts.map((part, i) =>
        isPrompt && part.kind === 'text' && part.text.length > SHOWN_PROMPT
          ? html`<${Prompt} key=${i} text=${part.text} />`
          : html`<${MessagePart} key=${i} part=${part} isResult=${role === 'tool'} />`,
      )}
    </article>
  `;
}

/** @param {{ text: string }} props */
function Prompt({ text }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details onToggle=${(/** @type {any} */ { target }) => setOpen(target.open)}>
      <summary dir="auto">
        ${text.trimStart().split('\n', 1)[0]?.slice(0, 80)} … (${counted(text.length, 'character')})
      </summary>
      ${isOpen && html`<${Text} text=${text} kind="markdown" />`}
    </details>
  `;
}

/** @param {{ part: Part, isResult: boolean }} props */
function MessagePart({ part, isResult }) {
  switch (part.kind) {
    case 'thinking':
      return html`
        <details class="thinking">
          <summary>Thinking</summary>
          <${Text} text=${part.text} />
        </details>
      `;
    case 'call':
      return html`
        <div class="call">
          <div class="call-name">calls <b dir="auto">${part.name}</b></div>
          <${Value} value=${part.value} />
        </div>
      `;
    case 'result':
      return html`
        <div class="call">
          <div class="call-name">
            result ${part.name !== '' && html`of <b dir="auto">${part.name}</b>`}
          </div>
          ${part.parts.map((inner, i) => html`<${MessagePart} key=${i} part=${inner} isResult=${true} />`)}
        </div>
      `;
    case 'text':
      return isResult
        ? html`<${Value} value=${parsed(part.text)} />`
        : html`<${Value} value=${part.text} isMarkdown=${true} />`;
    default:
      return html`<${Value} value=${part.value} />`;
  }
}
