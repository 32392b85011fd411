// What the page loads from the server, kept up to date.

import { useEffect, useRef, useState } from 'preact/hooks';

import { listen } from './live-channel.mjs';
import { patched } from './patch.mjs';

/** @typedef {{ connected: boolean, onChange: (listener: (ids: string[]) => void) => () => void }} Live */

/**
 * Subscribes to the server's change events.
 *
 * @returns {Live} whether there is a connection, and a subscription to the ids of changed traces; an empty list
 *   means that anything may have
 */
export function useLive() {
  const [connected, setConnected] = useState(true);
  const listeners = useRef(/** @type {Set<(ids: string[]) => void>} */ (new Set()));
  useEffect(
    () =>
      listen({
        connected: setConnected,
        changed: (ids) => {
          for (const listener of listeners.current) listener(ids);
        },
      }),
    [],
  );
  const [onChange] = useState(() => (/** @type {(ids: string[]) => void} */ listener) => {
    listeners.current.add(listener);
    return () => void listeners.current.delete(listener);
  });
  return { connected, onChange };
}

/** The pause between requests, as a multiple of the time of the last response. */
const REST_FACTOR = 3;
const MIN_REST_MS = 200;
const MAX_REST_MS = 30_000;
/** The pause after a failure, and the longest time of a response. */
const RETRY_MS = 2_000;
const TIMEOUT_MS = 30_000;

/**
 * Loads a value, and again whenever it changed; never twice at once, and with pauses, so that a large value that
 * changes often does not occupy the page and the server. Of a list that the page has, only what changed is loaded.
 *
 * @template T
 * @param {string} path with a query
 * @param {Live} live
 * @param {(ids: string[]) => boolean} concerns whether these changes do
 * @returns {{ path: string, value: T | null, missing: boolean, failed: boolean }} `path`: of the value, which
 *   is null until it is known
 */
export function useLoaded(path, live, concerns) {
  const [loaded, setLoaded] = useState(
    /** @type {{ path: string, value: T | null, missing: boolean, failed: boolean }} */ ({
      path,
      value: null,
      missing: false,
      failed: false,
    }),
  );
  /** The last answer with a version, of any path: it may share most of its list. */
  const base = useRef(/** @type {any} */ (null));
  useEffect(() => {
    const leaving = new AbortController();
    let isLoading = false;
    let isStale = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let rest;
    const load = async () => {
      isLoading = true;
      isStale = false;
      const began = performance.now();
      let isAnswered = true;
      try {
        const response = await fetchSince(path, base.current, leaving.signal);
        const { value } = response;
        if (value?.version !== undefined) base.current = value;
        const missing = response.status === 404;
        const failed = value === null && !missing;
        setLoaded({ path, value, missing, failed });
        isStale ||= failed;
        isAnswered = !failed;
      } catch {
        if (leaving.signal.aborted) return;
        setLoaded((old) => ({ ...old, failed: true }));
        isStale = true;
        isAnswered = false;
      }
      const wanted = Math.max((performance.now() - began) * REST_FACTOR, MIN_REST_MS);
      rest = setTimeout(
        () => {
          isLoading = false;
          if (isStale) void load();
        },
        isAnswered ? Math.min(wanted, MAX_REST_MS) : RETRY_MS,
      );
    };
    void load();
    const leave = live.onChange((ids) => {
      if (ids.length > 0 && !concerns(ids)) return;
      isStale = true;
      if (!isLoading) void load();
    });
    return () => {
      leave();
      leaving.abort();
      clearTimeout(rest);
    };
  }, [path]);
  return loaded;
}

/**
 * @param {string} path
 * @param {any} base an earlier answer with a version, or null
 * @param {AbortSignal} leaving
 * @returns {Promise<{ status: number, value: any }>} the whole answer; null when there is none
 */
async function fetchSince(path, base, leaving) {
  const signal = AbortSignal.any([leaving, AbortSignal.timeout(TIMEOUT_MS)]);
  const since = base === null ? '' : `&since=${encodeURIComponent(base.version)}`;
  const response = await fetch(`${path}${since}`, { signal });
  if (!response.ok) return { status: response.status, value: null };
  const answer = await response.json();
  if (answer.delta === undefined) return { status: response.status, value: answer };
  const value = patched(base, answer);
  return value === null ? fetchSince(path, null, leaving) : { status: response.status, value };
}
