// Draws Markdown. The text comes from the traced application: what is drawn are elements of this page's own making, and
// markup of any other kind is shown as it is written.

import { Lexer } from 'marked';
import { useMemo } from 'preact/hooks';

import { html } from './html.mjs';

/** @typedef {import('marked').Token} Token */

/** Longer texts are shown as they are written: the time of some grows by the square of their length. */
const MAX_LENGTH = 10_000;
/** Deeper markup is shown as it is written. */
const MAX_DEPTH = 20;
/** What a link may lead to. */
const PROTOCOLS = new Set(['http:', 'https:', 'mailto:']);
/** Signs of markup. A text without any is shown exactly as it is. */
const MARKUP =
  /^ {0,3}(?:#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>|```|~~~|\|.*\|)|\*\*|__|~~|`|(?:^|[\s(])[*_][^\s*_]|\]\(|https?:\/\//m;

/** Whether a text has markup that is worth drawing. @param {string} text */
export function isMarkdown(text) {
  return text.length <= MAX_LENGTH && MARKUP.test(text);
}

/** @param {{ text: string }} props */
export function Markdown({ text }) {
  const tokens = useMemo(() => lex(text), [text]);
  if (tokens === null) return html`<div class="prose" dir="auto">${text}</div>`;
  return html`<div class="markdown">${drawAll(tokens, 0)}</div>`;
}

/** @param {string} text @returns {Token[] | null} null when it cannot be read, as when it is nested too deeply */
function lex(text) {
  try {
    return new Lexer({ gfm: true, breaks: true }).lex(text);
  } catch {
    return null;
  }
}

/** @param {Token[]} tokens @param {number} depth @returns {unknown[]} */
function drawAll(tokens, depth) {
  return tokens.map((token) => draw(token, depth + 1));
}

/** @param {Token} token @param {number} depth @returns {unknown} */
function draw(token, depth) {
  if (depth > MAX_DEPTH) return token.raw;
  const tokens = 'tokens' in token ? token.tokens : undefined;
  const inner = () => (tokens === undefined ? token.raw : drawAll(tokens, depth));
  switch (token.type) {
    case 'space':
      return null;
    case 'paragraph':
      return html`<p dir="auto">${inner()}</p>`;
    case 'heading':
      // No heading of the page: it belongs to the text.
      return html`<p class=${`heading level-${token.depth}`} dir="auto">${inner()}</p>`;
    case 'text':
    case 'escape':
      return tokens === undefined ? token.text : inner();
    case 'strong':
      return html`<strong>${inner()}</strong>`;
    case 'em':
      return html`<em>${inner()}</em>`;
    case 'del':
      return html`<del>${inner()}</del>`;
    case 'codespan':
      return html`<code>${token.text}</code>`;
    case 'br':
      return html`<br />`;
    case 'hr':
      return html`<hr />`;
    case 'code':
      return html`<pre class="code" dir="ltr"><code>${token.text}</code></pre>`;
    case 'blockquote':
      return html`<blockquote>${inner()}</blockquote>`;
    case 'list':
      return drawList(token, depth);
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ ';
    case 'table':
      return drawTable(token, depth);
    case 'link':
      return drawLink(token, inner());
    case 'image':
      // Loading a picture of another server would reveal the reader to it.
      return drawLink(token, token.text === '' ? token.href : token.text);
    default:
      return token.raw;
  }
}

/** @param {any} list @param {number} depth */
function drawList({ ordered, start, items }, depth) {
  const entries = items.map(
    (/** @type {any} */ item) => html`<li dir="auto">${drawAll(item.tokens, depth)}</li>`,
  );
  if (!ordered)
    return html`<ul>
      ${entries}
    </ul>`;
  return html`<ol start=${Number.isSafeInteger(start) ? start : 1}>
    ${entries}
  </ol>`;
}

/** @param {any} table @param {number} depth */
function drawTable({ header, rows }, depth) {
  /** @param {any[]} cells @param {'td' | 'th'} tag */
  const draw = (cells, tag) =>
    cells.map((cell) => html`<${tag} dir="auto">${drawAll(cell.tokens, depth)}<//>`);
  return html`
    <table>
      <thead>
        <tr>
          ${draw(header, 'th')}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (/** @type {any[]} */ cells) =>
            html`<tr>
              ${draw(cells, 'td')}
            </tr>`,
        )}
      </tbody>
    </table>
  `;
}

/** @param {any} token @param {unknown} content what the link is drawn as */
function drawLink({ href, raw, title }, content) {
  if (!isAllowed(href)) return raw;
  const about = title ? `${title}: ${href}` : href;
  return html`<a href=${href} title=${about} target="_blank" rel="noopener noreferrer nofollow"
    >${content}</a
  >`;
}

/** @param {string} href */
function isAllowed(href) {
  try {
    return PROTOCOLS.has(new URL(href).protocol);
  } catch {
    return false;
  }
}
