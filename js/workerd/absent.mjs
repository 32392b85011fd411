/** What stands in for spans where the `braintrust` package is not installed: it runs the work and keeps nothing. */

/** @typedef {import('braintrust').Span} Span */

/** Takes everything that is said of it, and is its own child. */
const nothing = {
  kind: /** @type {const} */ ('span'),
  id: '',
  spanId: '',
  rootSpanId: '',
  spanParents: [],
  log() {},
  logFeedback() {},
  setAttributes() {},
  end: (/** @type {{ endTime?: number }} */ options) => options?.endTime ?? Date.now() / 1000,
  close: (/** @type {{ endTime?: number }} */ options) => nothing.end(options),
  flush: async () => {},
  export: async () => '',
  permalink: async () => '',
  link: () => '',
  inject: (/** @type {object} */ carrier) => carrier ?? {},
  startSpan: () => nothing,
  startSpanWithParents: () => nothing,
  traced: (/** @type {(span: any) => unknown} */ work) => work(nothing),
};

export const NO_SPAN = /** @type {Span} */ (/** @type {unknown} */ (nothing));
