// The package where it cannot be loaded: the functions of the application run, and nothing is traced. A bundle contains
// this module and no other of the package: it loads nothing.

const REMEDY =
  "keep it out of the bundle (`external: ['flue-braintrust']`), and install it beside the bundle";

const LINK = 'https://braintrust.dev/noop-span';
const ERR_PERMALINK = 'https://braintrust.dev/error-generating-link';

const ignore = () => {};
const permalink = async () => `${ERR_PERMALINK}?msg=package-not-loaded`;

/** @param {import('../index.d.ts').EndSpanArgs} [args] */
function end(args) {
  try {
    return args?.endTime ?? Date.now() / 1000;
  } catch {
    return Date.now() / 1000;
  }
}

/** @type {import('../index.d.ts').Span} */
const SPAN = Object.freeze({
  kind: /** @type {const} */ ('span'),
  id: '',
  spanId: '',
  rootSpanId: '',
  spanParents: /** @type {any} */ (Object.freeze([])),
  log: ignore,
  logFeedback: ignore,
  setAttributes: ignore,
  /** @param {(span: any) => any} callback */
  traced: (callback) => callback(SPAN),
  startSpan: () => SPAN,
  /** @param {any} work */
  adopt: (work) => work,
  end,
  close: end,
  /** @param {any} [carrier] */
  inject: (carrier = {}) => carrier,
  export: async () => '',
  link: () => LINK,
  permalink: async () => LINK,
  flush: async () => {},
  toJSON: () => '<span>',
});

const ROWS = { accepted: 0, sent: 0, pending: 0, spooled: 0, lost: {} };
const FILES = { accepted: 0, uploaded: 0, pending: 0, lost: {}, bytes: 0 };

/** @returns {import('../index.d.ts').Stats} */
const stats = () => ({
  ...structuredClone(ROWS),
  events: 0,
  bytes: structuredClone(ROWS),
  cut: 0,
  sampled: 0,
  requests: 0,
  retries: 0,
  bytesSent: 0,
  openSpans: 0,
  attachments: structuredClone(FILES),
  lastError: null,
});

/** Nothing was accepted, so that everything is delivered. */
const flush = async () => ({ ...stats(), complete: true });

/** @param {symbol} key */
const instrumentation = (key) => ({
  key,
  observe: ignore,
  /** @type {import('../index.d.ts').FlueInstrumentation['interceptor']} */
  interceptor: (_operation, _ctx, next) => next(),
  dispose: async () => {},
});

const KEY = Symbol.for('flue-braintrust');
const loggerObserver = Object.assign(() => {}, instrumentation(Symbol('flue-braintrust logger')));

/** @type {import('../index.d.ts').Logger} */
const LOGGER = Object.freeze({
  kind: /** @type {const} */ ('logger'),
  asyncFlush: /** @type {const} */ (true),
  traced: SPAN.traced,
  startSpan: SPAN.startSpan,
  log: () => '',
  get id() {
    return Promise.resolve('');
  },
  get project() {
    return Promise.resolve({ id: '', name: '' });
  },
  export: async () => '',
  updateSpan: ignore,
  logFeedback: ignore,
  logScores: ignore,
  flueSpan: () => SPAN,
  permalink,
  observer: () => loggerObserver,
  flush,
  stats,
  close: flush,
});

/** A file that no span has. */
class Attachment {
  #data;

  /** @param {import('../index.d.ts').AttachmentParams} params */
  constructor(params) {
    const { data, filename = 'file', contentType = 'application/octet-stream' } = params ?? {};
    this.reference = Object.freeze({
      type: /** @type {const} */ ('braintrust_attachment'),
      filename,
      content_type: contentType,
      key: crypto.randomUUID(),
    });
    // A text is a path: nothing reads the file.
    this.#data = data === undefined || typeof data === 'string' ? [] : [data];
  }

  async data() {
    const parts = /** @type {BlobPart[]} */ (this.#data);
    return new Blob(parts, { type: this.reference.content_type });
  }

  async upload() {
    const why = 'flue-braintrust could not be loaded';
    return { upload_status: /** @type {const} */ ('error'), error_message: why };
  }

  debugInfo() {
    return { inputData: 'not read', reference: this.reference };
  }
}

/** @param {any} work */
const untouched = (work) => work;

/**
 * @param {unknown} error why it cannot be loaded
 * @param {string} [remedy]
 * @returns {typeof import('../index.d.ts')} every name of the package
 */
export function notLoaded(error, remedy = REMEDY) {
  const { message = String(error) } = /** @type {Error} */ (error ?? {});
  const [line = ''] = String(message).split('\n');
  let isReported = false;
  const initLogger = () => {
    if (isReported) return LOGGER;
    isReported = true;
    console.error(
      `[flue-braintrust] FLUE_BRAINTRUST_NOT_STARTED: the package cannot be loaded: ${line} (${remedy}); the application runs on without tracing.`,
    );
    return LOGGER;
  };
  return {
    initLogger,
    currentLogger: () => undefined,
    withLogger: (/** @type {any} */ first, /** @type {any} */ second) =>
      typeof first === 'function' ? first(initLogger()) : second(first),
    braintrustFlueObserver: Object.assign(() => {}, instrumentation(KEY)),
    braintrustFlueInstrumentation: () => instrumentation(KEY),
    currentSpan: () => SPAN,
    flueSpan: () => SPAN,
    injectTraceContext: (/** @type {any} */ carrier) => carrier ?? {},
    logError: ignore,
    logFeedback: ignore,
    logScores: ignore,
    permalink,
    startSpan: () => SPAN,
    traced: (/** @type {any} */ callback) => callback(SPAN),
    withCurrent: (_span, callback) => callback(SPAN),
    wrapTraced: untouched,
    setMaskingFunction: ignore,
    flush,
    stats,
    close: flush,
    Attachment,
    ERR_PERMALINK,
    NOOP_SPAN: SPAN,
    NOOP_SPAN_PERMALINK: LINK,
    extractTraceContextFromHeaders: () => undefined,
    log: () => '',
    traceable: untouched,
    updateSpan: ignore,
    withParent: (_parent, callback) => callback(SPAN),
  };
}
