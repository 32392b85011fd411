// News of the server for all tabs of a browser, over one connection: a browser opens six to a server, and each feed
// takes one for good.

/** What tabs send each other. @typedef {{ kind: 'changed', ids: string[] } | { kind: 'state', connected: boolean } | { kind: 'beat' } | { kind: 'ask' }} News */

/**
 * @typedef {object} Listener
 * @property {(ids: string[]) => void} changed an empty list means that anything may have changed
 * @property {(connected: boolean) => void} connected
 */

const NAME = 'flue-braintrust-live';
const FEED = '/viewer/api/live';
const CHANGES = '/viewer/api/changes';
/** The server gives a sign of life every five seconds. */
const SILENCE_MS = 12_000;
const POLL_MS = 1_000;
const REOPEN_MS = 1_000;

/**
 * Listens. The tab that holds a lock has the connection and passes on what it gets; when it closes, the next tab gets
 * the lock. Another tab that gets nothing, and a browser without locks, asks the server again and again.
 *
 * @param {Listener} listener
 * @returns {() => void} ends it
 */
export function listen(listener) {
  const leaving = new AbortController();
  const poll = poller(listener, leaving.signal);
  // Browsers have locks only where the address is local or encrypted.
  if (navigator.locks === undefined || typeof BroadcastChannel === 'undefined') {
    return every(POLL_MS, poll, leaving);
  }
  const channel = new BroadcastChannel(NAME);
  let isLeader = false;
  let isConnected = true;
  let newsAt = Date.now();
  /** @param {News} news */
  const take = (news) => {
    newsAt = Date.now();
    // Only a tab with a connection has news.
    listener.connected(news.kind !== 'state' || news.connected);
    if (news.kind === 'changed') listener.changed(news.ids);
  };
  /** @param {News} news */
  const publish = (news) => {
    if (news.kind === 'state') isConnected = news.connected;
    channel.postMessage(news);
    take(news);
  };
  channel.addEventListener('message', ({ data }) => {
    const news = /** @type {News} */ (data);
    if (news.kind !== 'ask') take(news);
    else if (isLeader) channel.postMessage({ kind: 'state', connected: isConnected });
  });
  channel.postMessage({ kind: 'ask' });

  navigator.locks
    .request(NAME, { signal: leaving.signal }, () => {
      isLeader = true;
      return follow(publish, leaving.signal);
    })
    .catch(() => {
      if (!leaving.signal.aborted) newsAt = 0;
    });
  const watch = () => {
    if (!isLeader && Date.now() - newsAt > SILENCE_MS) return poll();
  };
  leaving.signal.addEventListener('abort', () => channel.close());
  return every(POLL_MS, watch, leaving);
}

/**
 * Reads the feed of the server, and opens it again if it is silent: the computer has slept, or the network has changed.
 *
 * @param {(news: News) => void} publish
 * @param {AbortSignal} signal ends it
 * @returns {Promise<void>} when it has ended
 */
function follow(publish, signal) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let reopening;
  /** @param {number} ms from now, unless the server gives a sign of life before */
  const reopenIn = (ms) => {
    clearTimeout(reopening);
    reopening = setTimeout(() => {
      source?.close();
      publish({ kind: 'state', connected: false });
      open();
    }, ms);
  };
  const open = () => {
    const opened = new EventSource(FEED);
    source = opened;
    reopenIn(SILENCE_MS);
    /** @param {News[]} all */
    const pass = (...all) => {
      reopenIn(SILENCE_MS);
      for (const news of all) publish(news);
    };
    opened.addEventListener('changed', ({ data }) =>
      pass({ kind: 'changed', ids: JSON.parse(data) }),
    );
    opened.addEventListener('beat', () => pass({ kind: 'beat' }));
    // Changes during the interruption are unknown.
    opened.addEventListener('open', () =>
      pass({ kind: 'state', connected: true }, { kind: 'changed', ids: [] }),
    );
    opened.addEventListener('error', () => {
      publish({ kind: 'state', connected: false });
      // A server that refuses is not asked again by the browser.
      if (opened.readyState === EventSource.CLOSED) reopenIn(REOPEN_MS);
    });
  };
  open();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearTimeout(reopening);
      source?.close();
      resolve();
    });
  });
}

/**
 * @param {Listener} listener
 * @param {AbortSignal} signal
 * @returns {() => Promise<void>} asks what has changed
 */
function poller(listener, signal) {
  let cursor = '';
  return async () => {
    try {
      const response = await fetch(`${CHANGES}?since=${encodeURIComponent(cursor)}`, { signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const changes = /** @type {import('../types').Changes} */ (await response.json());
      cursor = changes.cursor;
      listener.connected(true);
      if (changes.isAll) listener.changed([]);
      else if (changes.ids.length > 0) listener.changed(changes.ids);
    } catch {
      if (!signal.aborted) listener.connected(false);
    }
  };
}

/**
 * Does something again and again, with a pause after each time.
 *
 * @param {number} ms
 * @param {() => Promise<void> | void} act
 * @param {AbortController} leaving
 * @returns {() => void} ends it
 */
function every(ms, act, leaving) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const run = async () => {
    await act();
    if (!leaving.signal.aborted) timer = setTimeout(run, ms);
  };
  void run();
  return () => {
    leaving.abort();
    clearTimeout(timer);
  };
}
