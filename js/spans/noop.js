'use strict';

// The span of an application without tracing.

/** The link of the no-op span. */
const LINK = 'https://braintrust.dev/noop-span';

const seconds = () => Date.now() / 1000;

/**
 * The no-op span: accepts every call and does nothing.
 * @type {import('../../index.d.ts').Span}
 */
const NOOP_SPAN = Object.freeze({
  kind: /** @type {const} */ ('span'),
  id: '',
  spanId: '',
  rootSpanId: '',
  spanParents: Object.freeze([]),
  log() {},
  logFeedback() {},
  setAttributes() {},
  /** @param {(span: any) => any} callback */
  traced: (callback) => callback(NOOP_SPAN),
  startSpan: () => NOOP_SPAN,
  /** @param {import('../../index.d.ts').EndSpanArgs} [args] */
  end: (args) => args?.endTime ?? seconds(),
  /** @param {import('../../index.d.ts').EndSpanArgs} [args] */
  close: (args) => args?.endTime ?? seconds(),
  /** @param {any} [carrier] */
  inject: (carrier = {}) => carrier,
  export: async () => '',
  link: () => LINK,
  permalink: async () => LINK,
  flush: async () => {},
});

module.exports = { LINK, NOOP_SPAN };
