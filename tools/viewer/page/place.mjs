// Where the page is: the part of the address behind `#`.

import { useEffect, useState } from 'preact/hooks';

import { encoded } from '../../support/encoded.js';

/**
 * A view, and its state: `params` of the list are its query, its filters, its order and its scroll.
 *
 * @typedef {{ view: 'list', params: URLSearchParams }
 *   | { view: 'trace', traceId: string, spanId: string | null, params: URLSearchParams }
 *   | { view: 'conversation', key: string, params: URLSearchParams }} Place
 */

const LIST = '#/';
/** Where the address of the list is kept, for each tab. */
const KEPT = 'flue-braintrust-list';

/** @param {string} hash @returns {Place} the list, when the address names no view */
export function parsePlace(hash) {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const params = new URLSearchParams(query);
  const [, traceId, spanId] = /^\/trace\/([^/]+)(?:\/span\/([^/]+))?$/.exec(path) ?? [];
  if (traceId !== undefined) {
    const span = spanId === undefined ? null : decoded(spanId);
    return { view: 'trace', traceId: decoded(traceId), spanId: span, params };
  }
  if (/^\/(?:conversation\/[^/]+|instance\/[^/]+(?:\/[^/]+)?)$/.test(path)) {
    const [, view = '', ...ids] = path.split('/');
    return { view: 'conversation', key: [view, ...ids.map(normalized)].join('/'), params };
  }
  return { view: 'list', params };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {string} part as someone may have written it */
function normalized(part) {
  return encoded(decoded(part));
}

/** @returns {Place} */
export function usePlace() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const look = () => setHash(location.hash);
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return parsePlace(hash);
}

/**
 * Changes the address in place: going back leaves the view, however often its state changed.
 *
 * @param {string} hash
 * @param {boolean} [isSilent] whether nothing is drawn anew; default: no
 */
export function replacePlace(hash, isSilent = false) {
  if (location.hash === hash) return;
  history.replaceState(history.state, '', hash);
  if (parsePlace(hash).view === 'list') keepList(hash);
  if (!isSilent) dispatchEvent(new Event('hashchange'));
}

/**
 * Changes some of the list's state in the address.
 *
 * @param {{ [name: string]: string | null }} changes null and an empty text remove one
 * @param {boolean} [isSilent]
 */
export function replaceListParams(changes, isSilent) {
  const place = parsePlace(location.hash);
  if (place.view !== 'list') return;
  const params = new URLSearchParams(place.params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(name);
    else params.set(name, value);
  }
  replacePlace(listPlace(params), isSilent);
}

/** @param {URLSearchParams} params */
function listPlace(params) {
  const query = params.toString();
  return query === '' ? LIST : `${LIST}?${query}`;
}

/** @returns {string} the address of the list as it was last seen in this tab */
export function lastList() {
  try {
    return sessionStorage.getItem(KEPT) ?? LIST;
  } catch {
    return LIST;
  }
}

/** @param {string} hash */
export function keepList(hash) {
  try {
    sessionStorage.setItem(KEPT, hash);
  } catch {
    // Without storage, the list begins anew.
  }
}

/** @param {{ traceId: string, spanId?: string | null, query?: string }} to */
export function traceLink({ traceId, spanId = null, query = '' }) {
  const span = spanId === null ? '' : `/span/${encoded(spanId)}`;
  const search = query === '' ? '' : `?${new URLSearchParams({ q: query })}`;
  return `#/trace/${encoded(traceId)}${span}${search}`;
}

/** @param {string} key of a conversation or an instance */
export function conversationLink(key) {
  return `#/${key}`;
}
