// A long table of which only the rows in sight are in the document, with columns that sort it.

import { useEffect, useImperativeHandle, useRef } from 'preact/hooks';

import { html } from './html.mjs';
import { DrawnRows, ROW_HEIGHT, rowAfter } from './rows.mjs';
import { useVisible } from './virtual.mjs';

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [sort] the key that sorts by it; absent: it does not sort
 * @property {boolean} [isNumber]
 */

/**
 * What the owner of a grid may do with it.
 * @typedef {object} GridHandle
 * @property {() => number} topRow
 * @property {(row: number) => void} scrollToRow
 * @property {(row: number) => void} show
 * @property {() => void} focus
 */

/**
 * A grid is one stop for the Tab key, besides its columns; the arrow keys move the active row, which screen readers
 * follow by `aria-activedescendant`.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {Column[]} props.columns
 * @param {string} props.sort of the column that it is sorted by
 * @param {boolean} props.ascending
 * @param {(sort: string) => void} props.onSort
 * @param {number} props.count
 * @param {number} props.active index of the active row; -1 for none
 * @param {(index: number) => void} props.onActive
 * @param {() => void} props.onEnter
 * @param {(first: number, end: number, top: number) => void} props.onVisible the rows in sight, and the topmost
 * @param {{ current: GridHandle | null }} props.handle
 * @param {(index: number, id: string) => unknown} props.draw a row, with this id
 */
export function ListGrid(props) {
  const { label, columns, count, active, onVisible, draw, handle } = props;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { first, end, top } = useVisible(box, count, ROW_HEIGHT);
  useImperativeHandle(handle, () => handleOf(box), []);
  useEffect(() => onVisible(first, end, top), [first, end, top, onVisible]);

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    // Buttons and links have keys of their own.
    const isOwn = event.target instanceof Element && event.target.closest('a, button') === null;
    if (!isOwn && event.key === 'Enter') return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
    const row = rowAfter(event.key, active, count, page);
    if (row !== undefined && count > 0) {
      handle.current?.show(row);
      props.onActive(row);
    } else if (event.key === 'Enter') props.onEnter();
    else return;
    event.preventDefault();
  };

  return html`
    <div
      class="rows"
      ref=${box}
      role="grid"
      tabindex="0"
      aria-label=${label}
      aria-rowcount=${count + 1}
      aria-activedescendant=${active >= first && active < end ? `row-${active}` : undefined}
      onKeyDown=${onKeyDown}
    >
      <div role="rowgroup" class="list-head">
        <div role="row" aria-rowindex="1" class="list-columns">
          ${columns.map((column) => html`<${Head} key=${column.title} column=${column} ...${props} />`)}
        </div>
      </div>
      <${DrawnRows} count=${count} first=${first} end=${end} draw=${draw} />
    </div>
  `;
}

/** @param {{ column: Column, sort: string, ascending: boolean, onSort: (sort: string) => void }} props */
function Head({ column: { title, sort: own, isNumber }, sort, ascending, onSort }) {
  const isSorted = own !== undefined && own === sort;
  const order = isSorted ? (ascending ? 'ascending' : 'descending') : undefined;
  return html`
    <span role="columnheader" aria-sort=${order} class=${isNumber ? 'number' : ''}>
      ${
        own === undefined
          ? title
          : html`<button class="column" onClick=${() => onSort(own)}>
              ${title}<span class="order" aria-hidden="true">
                ${isSorted ? (ascending ? ' ↑' : ' ↓') : ''}
              </span>
            </button>`
      }
    </span>
  `;
}

/** @param {{ current: HTMLElement | null }} box @returns {GridHandle} */
function handleOf(box) {
  return {
    topRow: () => Math.floor((box.current?.scrollTop ?? 0) / ROW_HEIGHT),
    scrollToRow: (row) => {
      if (box.current !== null) box.current.scrollTop = row * ROW_HEIGHT;
    },
    show: (row) => {
      const element = box.current;
      if (element === null) return;
      const top = row * ROW_HEIGHT;
      // The columns cover one row.
      const height = element.clientHeight - ROW_HEIGHT;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + ROW_HEIGHT > element.scrollTop + height) {
        element.scrollTop = top + ROW_HEIGHT - height;
      }
    },
    focus: () => box.current?.focus({ preventScroll: true }),
  };
}
