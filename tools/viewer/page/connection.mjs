import { useEffect, useRef, useState } from 'preact/hooks';

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
  useEffect(() => {
    const notify = (/** @type {string[]} */ ids) => {
      for (const listener of listeners.current) listener(ids);
    };
    const source = new EventSource('/viewer/api/live');
    source.addEventListener('changed', ({ data }) => notify(JSON.parse(data)));
    source.addEventListener('open', () => {
      setConnected(true);
      // Changes during the interruption are unknown.
      notify([]);
    });
    source.addEventListener('error', () => setConnected(false));
    return () => source.close();
  }, []);
  const [onChange] = useState(() => (/** @type {(ids: string[]) => void} */ listener) => {
    listeners.current.add(listener);
    return () => void listeners.current.delete(listener);
  });
  return { connected, onChange };
}

/** The pause between requests, as a multiple of the time of the last response. */
const REST_FACTOR = 3;
const MIN_REST_MS = 200;

/**
 * Loads something, and again whenever it changed; never twice at once, and with rests between, so that
 * what grows fast and is large does not keep both ends busy with nothing else.
 *
 * @template T
 * @param {string} path
 * @param {Live} live
 * @param {(ids: string[]) => boolean} concerns whether these changes do
 * @returns {{ path: string, value: T | null, missing: boolean, failed: boolean }} `path` is whose answer this is;
 *   `value` is null until it is known
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
      try {
        const response = await fetch(path, { signal: leaving.signal });
        const value = response.ok ? await response.json() : null;
        const missing = response.status === 404;
        setLoaded({ path, value, missing, failed: !response.ok && !missing });
      } catch {
        if (leaving.signal.aborted) return;
        setLoaded((old) => ({ ...old, path, failed: true }));
      }
      const took = performance.now() - began;
      rest = setTimeout(
        () => {
          isLoading = false;
          if (isStale) void load();
        },
        Math.max(MIN_REST_MS, took * REST_FACTOR),
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
