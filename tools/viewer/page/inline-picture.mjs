// Pictures whose bytes are within a value. The page's policy lets no element load them, so they are drawn.

import { useEffect, useRef, useState } from 'preact/hooks';

import { formatBytes } from '../../support/format.js';
import { isObject } from '../../support/json.js';
import { html } from './html.mjs';

/** Types that contain no script and refer to nothing. */
const TYPES = /^image\/(?:avif|bmp|gif|jpeg|png|webp)$/;
const DATA_URL = /^data:(image\/[a-z]+);base64,([\w+/=-]+)$/;
const MAX_LENGTH = 10_000_000;

/**
 * Reads a picture as providers write it: a data URL, or base64 beside its type.
 *
 * @param {unknown} value
 * @returns {import('./attachments.mjs').Reference | null}
 */
export function readInlinePicture(value) {
  const [type, data] = partsOf(value);
  if (!TYPES.test(type) || data.length === 0 || data.length > MAX_LENGTH) return null;
  return {
    key: `${data.length} ${data.slice(0, 48)} ${data.slice(-48)}`,
    filename: '',
    type,
    data,
  };
}

/** @param {unknown} value @returns {[type: string, data: string]} */
function partsOf(value) {
  if (typeof value === 'string') {
    if (!value.startsWith('data:image/') || value.length > MAX_LENGTH) return ['', ''];
    const [, type = '', data = ''] = DATA_URL.exec(value) ?? [];
    return [type, data];
  }
  if (!isObject(value)) return ['', ''];
  const type = value.media_type ?? value.mediaType ?? value.mimeType ?? value.mime_type;
  const data = value.data ?? value.image;
  if (typeof type !== 'string' || typeof data !== 'string') return ['', ''];
  return /^[\w+/=-]+$/.test(data.slice(0, 200)) ? [type, data] : ['', ''];
}

/** @param {{ type: string, data: string }} props */
export function InlinePicture({ type, data }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    let isGone = false;
    draw(type, data, () => (isGone ? null : canvas.current)).catch(() => {
      if (!isGone) setBroken(true);
    });
    return () => {
      isGone = true;
    };
  }, [type, data]);
  const size = Math.floor((data.replace(/=+$/, '').length * 3) / 4);
  const about = `${type}, ${formatBytes(size)}`;
  return html`
    <figure>
      ${!isBroken && html`<canvas ref=${canvas} role="img" aria-label=${about} />`}
      <figcaption class="hint">${about}${isBroken && ', which the browser cannot show'}</figcaption>
    </figure>
  `;
}

/**
 * @param {string} type
 * @param {string} data
 * @param {() => HTMLCanvasElement | null} canvasOf where it is drawn, if it is still there
 */
async function draw(type, data, canvasOf) {
  const binary = atob(data.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type }));
  const canvas = canvasOf();
  if (canvas !== null) {
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.getContext('2d')?.drawImage(picture, 0, 0);
  }
  picture.close();
}
