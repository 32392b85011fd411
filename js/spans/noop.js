'use strict';

// The span of an application without tracing.

const { wallMs } = require('../wall-clock.js');

/** The link of the no-op span. */
const LINK = 'https://braintrust.dev/noop-span';

/** @param {import('../../index.d.ts').EndSpanArgs} [args] */
function endTimeOf(args) {
  try {
    return args?.endTime ?? wallMs() / 1000;
  } catch {
    return wallMs() / 1000;
  }
}

/**
 * The no-op span: accepts every call and does nothing.
 * @type {import('../../index.d.ts').Span}
 */
const NOOP_SPAN = Object.freeze({
  kind: /** @type {const} */ ('span'),
  id: '',
  spanId: '',
  rootSpanId: '',
  spanParents: /** @type {any} */ (Object.freeze([])),
  log() {},
  logFeedback() {},
  setAttributes() {},
  /** @param {(span: any) => any} callback */
  traced: (callback) => callback(NOOP_SPAN),
  startSpan: () => NOOP_SPAN,
  /** @param {any} work */
  adopt: (work) => work,
  /** @param {import('../../index.d.ts').EndSpanArgs} [args] */
  end: (args) => endTimeOf(args),
  /** @param {import('../../index.d.ts').EndSpanArgs} [args] */
  close: (args) => endTimeOf(args),
  /** @param {any} [carrier] */
  inject: (carrier = {}) => carrier,
  export: async () => '',
  link: () => LINK,
  permalink: async () => LINK,
  flush: async () => {},
  toJSON: () => '<span>',
});

/** The beginning of every link that cannot be made. */
const ERR_PERMALINK = 'https://braintrust.dev/error-generating-link';

module.exports = { ERR_PERMALINK, LINK, NOOP_SPAN };
