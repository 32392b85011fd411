// Puts what changed into what the page has.

import { applyDelta } from '../../support/list-delta.js';

/** The member that names an element of a list. @type {{ [list: string]: string }} */
const ID_OF = { spans: 'rowId', traces: 'id', turns: 'id' };

/**
 * @param {any} before an answer with the whole list
 * @param {any} answer a later one, with a `delta`
 * @returns {any} the later answer with the whole list, whose unchanged elements are the same objects; null if they do
 *   not fit together
 */
export function patched(before, answer) {
  const { delta, ...facts } = answer;
  const name = ID_OF[delta.of];
  const old = before?.[delta.of];
  if (name === undefined || !Array.isArray(old)) return null;
  const list = applyDelta(old, delta, (/** @type {any} */ element) => element[name]);
  return list && { ...facts, [delta.of]: list };
}
