import { useEffect, useRef } from 'preact/hooks';

import { html } from './html.mjs';
import { useVisible } from './virtual.mjs';

export const ROW_HEIGHT = 28;

/**
 * A number in a row. Rows have no headings, so screen readers get its meaning as a label.
 *
 * @param {{ text: string, meaning: string, kind?: string }} props
 */
export function NumberCell({ text, meaning, kind = '' }) {
  return html`
    <span role="gridcell" class=${`number ${kind}`}>
      ${text !== '' && html`<span class="spoken">${meaning} </span>`}${text}
    </span>
  `;
}

/**
 * A long list of rows, of which only those in sight are in the document. It is one stop for the Tab
 * key; the arrow keys move the active row, which screen readers follow by `aria-activedescendant`.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {'grid' | 'treegrid'} props.role
 * @param {number} props.count
 * @param {number} props.active index of the active row; -1 for none
 * @param {(index: number) => void} props.onActive
 * @param {(key: string) => boolean} [props.onKey] handles other keys than those that move; true when it handled one
 * @param {(first: number, end: number) => void} [props.onVisible]
 * @param {(index: number, id: string) => unknown} props.draw a row, with this id
 */
export function Rows({ label, role, count, active, onActive, onKey, onVisible, draw }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { first, end } = useVisible(box, count, ROW_HEIGHT);
  const moved = useRef(false);

  useEffect(() => onVisible?.(first, end), [first, end, onVisible]);
  useEffect(() => {
    const element = box.current;
    if (element === null || active < 0) return;
    const top = active * ROW_HEIGHT;
    const inSight =
      top >= element.scrollTop && top + ROW_HEIGHT <= element.scrollTop + element.clientHeight;
    if (inSight) return;
    const middle = top - element.clientHeight / 2;
    const edge = top < element.scrollTop ? top : top + ROW_HEIGHT - element.clientHeight;
    element.scrollTop = moved.current ? edge : middle;
  }, [active]);

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const target = rowAfter(event.key, active, count, page);
    if (target !== undefined) {
      moved.current = true;
      if (count > 0) onActive(target);
    } else if (onKey?.(event.key) !== true) return;
    event.preventDefault();
  };

  return html`
    <div
      class="rows"
      ref=${box}
      role=${role}
      tabindex="0"
      aria-label=${label}
      aria-rowcount=${count}
      aria-activedescendant=${active >= first && active < end ? `row-${active}` : undefined}
      onKeyDown=${onKeyDown}
    >
      <${DrawnRows} count=${count} first=${first} end=${end} draw=${draw} />
    </div>
  `;
}

/**
 * The rows in sight, in the space of all of them.
 *
 * @param {{ count: number, first: number, end: number, draw: (index: number, id: string) => unknown }} props
 */
export function DrawnRows({ count, first, end, draw }) {
  const indexes = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  return html`
    <div class="rows-all" role="presentation" style=${{ height: `${count * ROW_HEIGHT}px` }}>
      <div
        class="rows-drawn"
        role="rowgroup"
        style=${{ transform: `translateY(${first * ROW_HEIGHT}px)` }}
      >
        ${indexes.map((index) => draw(index, `row-${index}`))}
      </div>
    </div>
  `;
}

/**
 * The row that a key leads to, within the list; undefined for a key that leads to none.
 *
 * @param {string} key
 * @param {number} active
 * @param {number} count
 * @param {number} page how many rows a page has
 * @returns {number | undefined}
 */
export function rowAfter(key, active, count, page) {
  /** @type {{ [key: string]: number }} */
  const targets = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined ? undefined : Math.min(Math.max(target, 0), count - 1);
}
