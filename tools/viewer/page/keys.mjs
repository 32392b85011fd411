// Keys that work anywhere in a view.

import { useEffect, useLayoutEffect } from 'preact/hooks';

import { addTo, removeFrom } from '../../support/sets-by-key.js';
import { lastList, parsePlace, replacePlace, traceLink } from './place.mjs';

/** The keys and what they do, for the help. */
export const KEYS = [
  ['j k', 'the next row, the one before'],
  ['Enter', 'open it'],
  ['c', 'the conversation of the row'],
  ['n p', 'the next error, the one before'],
  ['/', 'search'],
  ['Esc', 'leave the search, the span, the view'],
  ['← →', 'fold and unfold spans'],
  ['?', 'this help'],
];

/** What the rows of a view take for a key. @type {{ [key: string]: string }} */
const ROW_KEYS = { j: 'ArrowDown', k: 'ArrowUp', n: 'n', p: 'p' };

/** What the views do with a key. @type {Map<string, Set<() => void>>} */
const handlers = new Map();

/**
 * Handles keys while the calling component is shown.
 *
 * @param {{ [key: string]: () => void }} keys by name, such as `n`
 */
export function useKeys(keys) {
  // Before the next key comes: it means what is drawn.
  useLayoutEffect(() => {
    for (const [key, handle] of Object.entries(keys)) {
      addTo(handlers, key, handle);
    }
    return () => {
      for (const [key, handle] of Object.entries(keys)) removeFrom(handlers, key, handle);
    };
  });
}

/** Handles the keys of all views: once, by the page. */
export function useGlobalKeys() {
  useEffect(() => {
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
}

/** @param {KeyboardEvent} event */
function onKeyDown(event) {
  const { key, target, altKey, ctrlKey, metaKey } = event;
  // What this module passes on to the rows is not trusted.
  if (altKey || ctrlKey || metaKey || event.defaultPrevented || !event.isTrusted) return;
  if (document.querySelector('dialog[open]') !== null) return;
  const isEscape = key === 'Escape';
  if (isTyping(target) && !isEscape) return;
  if (isEscape && target instanceof HTMLElement && isTyping(target)) leaveField(target);
  else if (!act(key)) return;
  event.preventDefault();
}

/** @param {string} key @returns {boolean} whether it does anything */
function act(key) {
  const handle = [...(handlers.get(key) ?? [])].at(-1);
  if (handle !== undefined) handle();
  else if (key === '/') focusSearch();
  else if (Object.hasOwn(ROW_KEYS, key)) passToRows(/** @type {string} */ (ROW_KEYS[key]));
  else if (key === 'Escape') leave();
  else return false;
  return true;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  const isTextless = target instanceof HTMLInputElement && target.type === 'checkbox';
  return (
    target.isContentEditable || (/^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !isTextless)
  );
}

/** Empties the search, or leaves an empty one. @param {HTMLElement} field */
function leaveField(field) {
  if (field instanceof HTMLInputElement && field.type === 'search' && field.value !== '') {
    field.value = '';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    return;
  }
  field.blur();
  focusRows();
}

function focusSearch() {
  const field = document.querySelector('input[type=search]');
  if (field instanceof HTMLInputElement) field.select();
}

/** @returns {HTMLElement | null} the rows of the view */
function focusRows() {
  const rows = document.querySelector('main [role=grid], main [role=treegrid]');
  if (!(rows instanceof HTMLElement)) return null;
  rows.focus({ preventScroll: true });
  return rows;
}

/** @param {string} key */
function passToRows(key) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
  focusRows()?.dispatchEvent(event);
}

/** Closes the span, else goes back to the list. */
function leave() {
  const place = parsePlace(location.hash);
  if (place.view === 'list') return;
  if (place.view === 'trace' && place.spanId !== null) {
    replacePlace(traceLink({ traceId: place.traceId }));
  } else location.hash = lastList();
}
