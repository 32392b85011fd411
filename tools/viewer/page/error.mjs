// The text of an error, with links from its stack to an editor.

import { findFrame, readError } from './error-parts.mjs';
import { html } from './html.mjs';
import { Text, Value } from './json.mjs';

/** Longer texts get no links. */
const LINKED_LINES = 400;

/** An error in any form: a text, or an object with a message and perhaps a stack. @param {{ error: unknown }} props */
export function ErrorText({ error }) {
  const { text, rest } = readError(error);
  return html`
    ${text !== '' && html`<${Stack} text=${text} />`}
    ${rest !== undefined && html`<${Value} value=${rest} />`}
  `;
}

/** A text whose stack frames are links. @param {{ text: string }} props */
function Stack({ text }) {
  const lines = text.split('\n', LINKED_LINES + 1);
  if (lines.length > LINKED_LINES || !lines.some((line) => findFrame(line) !== null)) {
    return html`<${Text} text=${text} />`;
  }
  return html`<div class="prose stack" dir="auto">
    ${lines.map((line, i) => [i === 0 ? '' : '\n', drawLine(line)])}
  </div>`;
}

/** @param {string} line */
function drawLine(line) {
  const frame = findFrame(line);
  if (frame === null) return line;
  const { from, to, href } = frame;
  return [
    line.slice(0, from),
    html`<a href=${href} title="Open in Visual Studio Code">${line.slice(from, to)}</a>`,
    line.slice(to),
  ];
}
