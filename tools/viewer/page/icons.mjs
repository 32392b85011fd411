// The drawings of the page.

import { html } from './html.mjs';
import { typeClass } from './type-class.mjs';

/** @type {{ [name: string]: string }} */
const PATHS = {
  back: 'M10 3 5 8l5 5',
  check: 'm3 8.5 3.5 3.5L13 4.5',
  close: 'm4 4 8 8m0-8-8 8',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  download: 'M8 2v8m-3-3 3 3 3-3M3 13h10',
  error: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 5v3.5M8 11v.2',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Zm3.3 7.8L14 14',
};

/** Types by their shapes, which differ without any colour. @type {{ [type: string]: string }} */
const SHAPES = {
  // A star of four points, a square, a triangle, a diamond, a ring.
  'type-llm': 'M6 0 7.7 4.3 12 6 7.7 7.7 6 12 4.3 7.7 0 6 4.3 4.3Z',
  'type-tool': 'M1.5 1.5h9v9h-9Z',
  'type-task': 'M1.5.5 11.5 6l-10 5.5Z',
  'type-function': 'M6 .5 11.5 6 6 11.5.5 6Z',
  'type-other': 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Zm0 2.6a2.4 2.4 0 1 1 0 4.8 2.4 2.4 0 0 1 0-4.8Z',
};

/** A decorative icon; the text beside it has the same meaning. @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d=${PATHS[name]} />
  </svg>`;
}

/** The type of a span as a shape in its colour; its name is the type in words. @param {{ type: string }} props */
export function Glyph({ type }) {
  const kind = typeClass(type);
  return html`<span class=${`glyph ${kind}`} title=${type === '' ? undefined : type}
    ><svg viewBox="0 0 12 12" aria-hidden="true"><path d=${SHAPES[kind]} /></svg
  ></span>`;
}
