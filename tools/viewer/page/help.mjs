// What the keys do.

import { useEffect, useRef, useState } from 'preact/hooks';

import { html } from './html.mjs';
import { KEYS, useKeys } from './keys.mjs';

/** A dialog that `?` opens, and a button that does so, too. */
export function Help() {
  const [isOpen, setOpen] = useState(false);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useKeys({ '?': () => setOpen(true) });
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isOpen) return null;
  const close = () => dialog.current?.close();
  return html`
    <dialog
      ref=${dialog}
      class="help"
      aria-labelledby="help-title"
      onClose=${() => setOpen(false)}
      onClick=${(/** @type {any} */ { target }) => target === dialog.current && close()}
    >
      <header>
        <h2 id="help-title">Keys</h2>
        <button class="button" onClick=${close}>Close</button>
      </header>
      <dl>
        ${KEYS.map(
          ([keys = '', meaning]) => html`
            <div key=${keys}>
              <dt>${keys.split(' ').map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dt>
              <dd>${meaning}</dd>
            </div>
          `,
        )}
      </dl>
    </dialog>
  `;
}
