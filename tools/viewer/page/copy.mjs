// Buttons that copy a text.

import { useEffect, useRef, useState } from 'preact/hooks';

import { html } from './html.mjs';
import { Icon } from './icons.mjs';

const SHOWN_MS = 2_000;

/** How often something was copied: of texts that take long, the last one that was asked for stays. */
let copies = 0;

/**
 * Copies a text, and announces it.
 *
 * @param {object} props
 * @param {string} props.label what it copies
 * @param {string} [props.short] the same beside others; without it the button has only an icon
 * @param {() => string | Promise<string>} props.text
 */
export function CopyButton({ label, short, text }) {
  const [notice, setNotice] = useState('');
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => () => clearTimeout(timer.current), []);
  const onClick = async () => {
    let outcome = 'Copied';
    announce('');
    copies += 1;
    const own = copies;
    try {
      const copied = await text();
      if (own !== copies) return;
      await copy(copied);
    } catch {
      if (own !== copies) return;
      outcome = 'Not copied';
    }
    setNotice(outcome);
    announce(outcome);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setNotice(''), SHOWN_MS);
  };
  return html`
    <button
      class=${`button copy ${short === undefined ? 'bare' : ''}`}
      title=${label}
      aria-label=${label}
      onClick=${onClick}
    >
      <${Icon} name=${notice === 'Copied' ? 'check' : 'copy'} /> ${short}
    </button>
  `;
}

/** What screen readers read when it changes: one for the page. @type {HTMLElement | null} */
let region = null;

/** @param {string} text empty: the same text again is news only after another one */
function announce(text) {
  if (region === null) {
    region = document.createElement('div');
    region.className = 'spoken';
    region.setAttribute('role', 'status');
    document.body.append(region);
  }
  region.textContent = text;
}

/**
 * Puts a text into the clipboard. Pages of other addresses than this machine's may use only the old way.
 *
 * @param {string} text
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const { activeElement } = document;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'spoken';
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus();
  if (!isCopied) throw new Error('the browser does not let the page copy');
}
