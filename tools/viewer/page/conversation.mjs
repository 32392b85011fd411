// The messages of a model turn.

import { useState } from 'preact/hooks';

import { counted } from '../../support/format.js';
import { html } from './html.mjs';
import { Text, Value } from './json.mjs';
import { parsed } from './messages.mjs';

/** Of a longer conversation the last ones are shown: they are what is new. */
const SHOWN_MESSAGES = 12;

/** @param {{ messages: import('./messages.mjs').Message[] }} props */
export function Conversation({ messages }) {
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
        .map((message, i) => html`<${Message} key=${hidden + i} message=${message} />`)}
    </div>
  `;
}

/** @param {{ message: import('./messages.mjs').Message }} props */
function Message({ message: { role, about, failed, parts } }) {
  return html`
    <article class=${`message role-${role} ${failed ? 'failed' : ''}`}>
      <header><b>${role}</b> <span>${about}</span>${failed && html` <em>failed</em>`}</header>
      ${parts.map((part, i) => html`<${Part} key=${i} part=${part} isResult=${role === 'tool'} />`)}
    </article>
  `;
}

/** @param {{ part: import('./messages.mjs').Part, isResult: boolean }} props */
function Part({ part, isResult }) {
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
          <div class="call-name">calls <b>${part.name}</b></div>
          <${Value} value=${part.value} />
        </div>
      `;
    case 'text':
      return html`<${Value} value=${isResult ? parsed(part.text) : part.text} />`;
    default:
      return html`<${Value} value=${part.value} />`;
  }
}
