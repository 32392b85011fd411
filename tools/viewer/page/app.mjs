// The page: chooses the view by the address.

import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { useLive } from './connection.mjs';
import { ConversationPage } from './conversation-page.mjs';
import { Help } from './help.mjs';
import { html } from './html.mjs';
import { useGlobalKeys } from './keys.mjs';
import { TraceList } from './list.mjs';
import { keepList, lastList, usePlace } from './place.mjs';
import { TracePage } from './trace.mjs';

/** @typedef {import('./place.mjs').Place} Place */

/** Where the focus goes in a new view: to its rows, so that the arrow keys work, else to its heading. */
const FOCUSED = 'main [role=grid], main [role=treegrid], [data-focus]';
/** So long a view may take to appear and still get the focus. */
const APPEARS_WITHIN_MS = 5_000;

function App() {
  const place = usePlace();
  const live = useLive();
  useGlobalKeys();
  useFocusOnNavigation(viewKey(place));
  useEffect(() => {
    if (place.view === 'list') keepList(location.hash || '#/');
  });
  useBackToList();
  return html`
    ${
      !live.connected &&
      html`<div class="lost" role="status">
        The collector does not answer. Is it still running? This page goes on when it is back.
      </div>`
    }
    ${viewOf(place, live)}
    <${Help} />
  `;
}

/** @param {Place} place @param {import('./connection.mjs').Live} live */
function viewOf(place, live) {
  switch (place.view) {
    case 'trace':
      return html`<${TracePage}
        key=${place.traceId}
        traceId=${place.traceId}
        spanId=${place.spanId}
        query=${place.params.get('q') ?? ''}
        live=${live}
      />`;
    case 'list':
      return html`<${TraceList} params=${place.params} live=${live} />`;
    default:
      return html`<${ConversationPage} key=${place.key} conversation=${place.key} live=${live} />`;
  }
}

/** @param {Place} place @returns {string} the same as long as the view is */
function viewKey(place) {
  switch (place.view) {
    case 'trace':
      return `trace/${place.traceId}`;
    case 'list':
      return 'list';
    default:
      return place.key;
  }
}

/** Moves the focus into a view that one went to. @param {string} key of the view */
function useFocusOnNavigation(key) {
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return undefined;
    }
    const before = document.activeElement;
    const focus = () => {
      // Whoever moved on meanwhile stays there.
      const hasMoved =
        document.activeElement !== before && document.activeElement !== document.body;
      const found = document.querySelector(FOCUSED);
      if (hasMoved || !(found instanceof HTMLElement)) return hasMoved;
      found.focus({ preventScroll: true });
      return true;
    };
    if (focus()) return undefined;
    const appearing = new MutationObserver(() => focus() && appearing.disconnect());
    appearing.observe(document.body, { childList: true, subtree: true });
    const timer = setTimeout(() => appearing.disconnect(), APPEARS_WITHIN_MS);
    return () => {
      appearing.disconnect();
      clearTimeout(timer);
    };
  }, [key]);
}

/** Links to the list lead to the list as it was. */
function useBackToList() {
  useEffect(() => {
    /** @param {MouseEvent} event */
    const onClick = (event) => {
      const { target, button, ctrlKey, metaKey, shiftKey } = event;
      if (button !== 0 || ctrlKey || metaKey || shiftKey || !(target instanceof Element)) return;
      if (target.closest('a[href="#/"]') === null) return;
      event.preventDefault();
      location.hash = lastList();
    };
    document.addEventListener('click', onClick);
    return () => document.removeEventListener('click', onClick);
  }, []);
}

render(html`<${App} />`, document.body);
