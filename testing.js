'use strict';

/**
 * A collector for tests of applications: takes Braintrust's place in the process of the tests, and gives the traces that
 * arrive. Uses neither a network nor an account.
 */

const { startCollector: start } = require('./tools/collector');
const { commentText } = require('./tools/support/comments');

/** @typedef {import('./testing').TestCollector} TestCollector */
/** @typedef {import('./testing').TestSpan} TestSpan */
/** @typedef {import('./testing').TestTrace} TestTrace */

/** The key of its clients. Any would do. */
const API_KEY = 'test';
/** The organisation of its clients, in place of one that `.env.braintrust` may name: it has no other. */
const ORGANISATION = 'local';

/** @type {typeof import('./testing').startCollector} */
async function startCollector() {
  // A test run must end, also where a test fails before its `close`.
  const collector = await start({ quietMs: 0, keepsAlive: false });

  const traces = () => collector.traces().map(traceOf);

  /** @type {TestCollector} */
  const testing = {
    url: collector.url,
    options: {
      apiKey: API_KEY,
      appUrl: collector.url,
      apiUrl: collector.url,
      orgName: ORGANISATION,
    },
    env: {
      BRAINTRUST_API_KEY: API_KEY,
      BRAINTRUST_APP_URL: collector.url,
      BRAINTRUST_API_URL: collector.url,
      BRAINTRUST_ORG_NAME: ORGANISATION,
    },
    traces,
    spans: (name) =>
      traces()
        .flatMap(({ spans }) => spans)
        .filter((span) => name === undefined || span.name === name),
    waitFor: (predicate, options) => {
      // The message of a timeout has the text of what was waited for.
      const holds = Object.assign(() => predicate(testing), { toString: () => `${predicate}` });
      return collector.waitFor(holds, options?.timeoutMs ?? undefined);
    },
    clear: () => collector.clear(),
    close: () => collector.close(),
    [Symbol.asyncDispose]: () => collector.close(),
  };
  return testing;
}

/**
 * @param {import('./tools/collector/types').Trace} trace
 * @returns {TestTrace}
 */
function traceOf({ id, spans, roots, finished }) {
  const all = new Map(spans.map((span) => [span, spanOf(span)]));
  for (const [span, shown] of all) {
    shown.children.push(...span.children.flatMap((child) => all.get(child) ?? []));
  }
  const shownRoots = roots.flatMap((root) => all.get(root) ?? []);
  return {
    id,
    finished,
    root: shownRoots[0],
    spans: [...all.values()],
    tree: () => drawn(shownRoots),
  };
}

/**
 * @param {import('./tools/collector/types').Span} span
 * @returns {TestSpan & { children: TestSpan[] }}
 */
function spanOf({ rowId, spanId, name, type, start: begin, end, row, comments }) {
  const { input, output, expected, error, metadata, metrics, scores, tags } = /** @type {any} */ (
    row
  );
  return {
    id: rowId,
    spanId,
    name,
    type,
    start: begin,
    end,
    input,
    output,
    expected,
    error,
    metadata: metadata ?? {},
    metrics: metrics ?? {},
    scores: scores ?? {},
    tags: tags ?? [],
    comments: comments.map(commentText),
    children: [],
    row,
  };
}

/**
 * The names of spans and of those below them, one a line.
 *
 * @param {TestSpan[]} roots
 * @returns {string}
 */
function drawn(roots) {
  const lines = [];
  // A recursion would overflow on a deep trace.
  const waiting = roots.map((span) => ({ span, depth: 0 })).toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { span, depth } = next;
    lines.push(`${'  '.repeat(depth)}${span.name}`);
    for (const child of span.children.toReversed()) waiting.push({ span: child, depth: depth + 1 });
  }
  return lines.join('\n');
}

exports.startCollector = startCollector;
