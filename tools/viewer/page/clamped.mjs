// A part of limited height: what comes after it stays in sight.

import { useEffect, useRef, useState } from 'preact/hooks';

import { html } from './html.mjs';

/** @param {{ label: string, children: unknown }} props */
export function Clamped({ label, children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const inner = useRef(/** @type {HTMLElement | null} */ (null));
  const [isWhole, setWhole] = useState(false);
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const [outer, content] = [box.current, inner.current];
    if (outer === null || content === null) return undefined;
    const look = () => setLong(isWhole || content.offsetHeight > outer.clientHeight + 1);
    const sized = new ResizeObserver(look);
    sized.observe(content);
    sized.observe(outer);
    return () => sized.disconnect();
  }, [isWhole]);
  // Only what scrolls is a stop for the Tab key.
  const stop = isLong && !isWhole ? { tabindex: 0, role: 'group', 'aria-label': label } : {};
  return html`
    <div ref=${box} class=${isWhole ? '' : 'clamped'} ...${stop}>
      <div ref=${inner}>${children}</div>
    </div>
    ${
      isLong &&
      html`<button class="link" aria-expanded=${isWhole} onClick=${() => setWhole(!isWhole)}>
        ${isWhole ? 'Show less' : 'Show in full'}
      </button>`
    }
  `;
}
