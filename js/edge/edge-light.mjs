/**
 * The package on other edge runtimes, such as Vercel's: they do not import `.wasm` files as Workers do. Same names; the
 * application runs without tracing, and `initLogger` reports that.
 */
import { apiOf } from '../api/api.js';
import { Exporter } from '../exporter.js';
import { edgeHost } from './host.mjs';

const host = edgeHost(undefined);

export const {
  initLogger,
  currentLogger,
  withLogger,
  braintrustFlueObserver,
  braintrustFlueInstrumentation,
  currentSpan,
  flueSpan,
  injectTraceContext,
  logError,
  logFeedback,
  logScores,
  permalink,
  startSpan,
  traced,
  withCurrent,
  wrapTraced,
  setMaskingFunction,
  flush,
  stats,
  close,
  Attachment,
  ERR_PERMALINK,
  NOOP_SPAN,
  NOOP_SPAN_PERMALINK,
  extractTraceContextFromHeaders,
  log,
  traceable,
  updateSpan,
  withParent,
} = apiOf(new Exporter(host));
