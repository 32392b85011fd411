// The files that a value refers to.

import { useState } from 'preact/hooks';

import { isObject } from '../../support/json.js';
import { html } from './html.mjs';
import { InlinePicture, readInlinePicture } from './inline-picture.mjs';

/** The most attachments that are shown, and the most values that are searched. */
const SHOWN = 24;
const SEARCHED_VALUES = 20_000;

/** What the viewer's server shows as a picture. */
const PICTURES = /^image\/(?:avif|bmp|gif|jpeg|png|webp)$/;
/** A placeholder with a key in a text, and a reference in JSON text. */
const IN_TEXT =
  /\[(\w+) attached: ([^\]]{0,200}), key ([\da-f-]{36})\]|braintrust_attachment\\*",\\*"key\\*":\\*"([\da-f-]{36})\\*",\\*"filename\\*":\\*"([^"\\]{1,100})\\*",\\*"content_type\\*":\\*"([^"\\]{1,100})/g;

/**
 * A file: in the collector, or a picture within the value.
 *
 * @typedef {object} Reference
 * @property {string} key
 * @property {string} filename
 * @property {string} type
 * @property {string} [data] base64
 */

/**
 * The attachments that a value refers to, each once.
 *
 * @param {unknown} value
 * @returns {Reference[]}
 */
function findAttachments(value) {
  /** @type {Map<string, Reference>} */
  const found = new Map();
  /** @type {unknown[]} */
  const open = [value];
  for (let searched = 0; searched < SEARCHED_VALUES && found.size < SHOWN; searched += 1) {
    if (open.length === 0) break;
    const next = open.pop();
    const picture = readInlinePicture(next);
    if (picture !== null) note(found, picture);
    else if (typeof next === 'string') {
      for (const match of next.matchAll(IN_TEXT)) note(found, ofText(match));
    } else if (Array.isArray(next)) {
      open.push(...next.slice(0, SEARCHED_VALUES).toReversed());
    } else if (isObject(next)) {
      const { type, key, filename, content_type: media } = next;
      if (type === 'braintrust_attachment' && typeof key === 'string') {
        note(found, {
          key,
          filename: typeof filename === 'string' ? filename : key,
          type: typeof media === 'string' ? media : '',
        });
      } else {
        open.push(...Object.values(next).slice(0, SEARCHED_VALUES).toReversed());
      }
    }
  }
  return [...found.values()];
}

/** @param {RegExpExecArray} match @returns {Reference} */
function ofText([, kind, details = '', inText = '', key = inText, filename, type]) {
  const [media = ''] = details.split(',');
  return { key, filename: filename ?? `${kind}-${key.slice(0, 8)}`, type: type ?? media };
}

/** @param {Map<string, Reference>} found @param {Reference} reference */
function note(found, reference) {
  if (!found.has(reference.key)) found.set(reference.key, reference);
}

/** The files that a value refers to: pictures, and links to others. @param {{ value: unknown }} props */
export function Attachments({ value }) {
  const found = findAttachments(value);
  if (found.length === 0) return null;
  return html`
    <div class="attachments">
      ${found.map((reference) =>
        reference.data === undefined
          ? html`<${Attachment} key=${reference.key} reference=${reference} />`
          : html`<${InlinePicture}
              key=${reference.key}
              type=${reference.type}
              data=${reference.data}
            />`,
      )}
    </div>
  `;
}

/** @param {{ reference: Reference }} props */
function Attachment({ reference: { key, filename, type } }) {
  const [isMissing, setMissing] = useState(false);
  const url = `/viewer/api/attachment?${new URLSearchParams({ key })}`;
  const isPicture = PICTURES.test(type) && !isMissing;
  return html`
    <figure>
      ${isPicture && html`<img src=${url} alt=${filename} loading="lazy" onError=${() => setMissing(true)} />`}
      <figcaption>
        <a href=${url} target="_blank" rel="noopener noreferrer" dir="auto">${filename}</a>
        ${isMissing && html`<span class="hint"> is not here</span>`}
      </figcaption>
    </figure>
  `;
}
