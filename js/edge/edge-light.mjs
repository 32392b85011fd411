/**
 * The package on other edge runtimes: the `edge-light` condition of `exports` leads here. They import no `.wasm`
 * file of a package: one line reports it, and nothing is traced.
 */
import { apiOf } from '../api/api.js';
import { Exporter } from '../exporter.js';
import { edgeHost } from './host.mjs';

export const {
  initLogger,
  braintrustFlueObserver,
  braintrustFlueInstrumentation,
  currentSpan,
  injectTraceContext,
  logError,
  startSpan,
  traced,
  wrapTraced,
  setMaskingFunction,
  flush,
  stats,
  close,
} = apiOf(new Exporter(edgeHost(undefined)));
