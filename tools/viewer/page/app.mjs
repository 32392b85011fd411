// The page: chooses the view by the address.

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { useLive } from './connection.mjs';
import { html } from './html.mjs';
import { TraceList } from './list.mjs';
import { TracePage } from './trace.mjs';

/** @typedef {{ traceId: string | null, spanId: string | null }} Place */

/** @returns {Place} the view that the address names */
function readPlace() {
  const [, traceId, spanId] = /^#\/trace\/([^/]+)(?:\/span\/([^/]+))?$/.exec(location.hash) ?? [];
  return { traceId: decoded(traceId), spanId: decoded(spanId) };
}

/** @param {string | undefined} part */
function decoded(part) {
  if (part === undefined) return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @returns {Place} */
function usePlace() {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const look = () => setPlace(readPlace());
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return place;
}

function App() {
  const { traceId, spanId } = usePlace();
  const live = useLive();
  return html`
    ${
      !live.connected &&
      html`<div class="lost" role="status">
        The collector does not answer. Is it still running? This page goes on when it is back.
      </div>`
    }
    ${
      traceId === null
        ? html`<${TraceList} live=${live} />`
        : html`<${TracePage} key=${traceId} traceId=${traceId} spanId=${spanId} live=${live} />`
    }
  `;
}

render(html`<${App} />`, document.body);
