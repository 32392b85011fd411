/**
 * The package on Cloudflare: the `workerd` condition of `exports` leads here. Same names as on Node, and the same core,
 * as a WebAssembly module. What is recorded is delivered under `waitUntil` of the request that recorded it.
 */
// All of it, because an older runtime has no `waitUntil` and would refuse the import of that name.
import * as workers from 'cloudflare:workers';
import { apiOf } from '../api/api.js';
import { Exporter } from '../exporter.js';
import wasm from './core.wasm';
import { edgeHost } from './host.mjs';

const host = edgeHost(wasm, (work) => workers.waitUntil?.(work));

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
