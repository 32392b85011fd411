/**
 * The package on Cloudflare: the `workerd` condition of `exports` leads here. Same names as on Node, and the same core,
 * as a WebAssembly module. What is recorded is delivered under `waitUntil` of the request that recorded it.
 */
// All of it, because an older runtime has no `waitUntil` and would refuse the import of that name.
import * as workers from 'cloudflare:workers';
import { apiOf } from '../api/api.js';
import { Exporter } from '../exporter.js';
import { presentOrNew } from '../global-instance.js';
import wasm from './core.wasm';
import { edgeHost } from './host.mjs';
import { VERSION } from './version.mjs';

/**
 * Names the functions among the global variables: Vite's dev server may evaluate the application and this module again,
 * while Flue's runtime stays. Another version of the package has functions of its own.
 */
const KEY = Symbol.for(`flue-braintrust workerd ${VERSION}`);

function newApi() {
  const host = edgeHost(wasm, (work) => workers.waitUntil?.(work));
  const api = apiOf(new Exporter(host));
  // Always the same object: Flue accepts it again, but refuses another one until it knows that it is in development.
  const instrumentation = api.braintrustFlueInstrumentation();
  return { ...api, braintrustFlueInstrumentation: () => instrumentation };
}

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
} = presentOrNew(KEY, newApi);
