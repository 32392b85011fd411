// The next error of the list, which the server finds.

import { useLayoutEffect, useRef } from 'preact/hooks';

/**
 * The answer counts only where it was asked for: in the same list, at the same row and focus.
 *
 * @param {URLSearchParams} request
 * @param {string | null} after the id of the active row
 * @param {(index: number, id: string) => void} choose
 * @returns {(direction: 'next' | 'previous') => Promise<void>}
 */
export function useChooseError(request, after, choose) {
  const asked = useRef(new AbortController());
  useLayoutEffect(() => () => asked.current.abort(), [request.toString(), after]);
  return async (direction) => {
    asked.current.abort();
    asked.current = new AbortController();
    const { signal } = asked.current;
    const { activeElement } = document;
    const params = new URLSearchParams(request);
    params.set('direction', direction);
    if (after !== null) params.set('after', after);
    const response = await fetch(`/viewer/api/next-error?${params}`, { signal }).catch(() => null);
    const found = response?.ok === true ? await response.json().catch(() => null) : null;
    if (found === null || signal.aborted || document.activeElement !== activeElement) return;
    choose(found.index, found.id);
  };
}
