/**
 * The exports of the package for ES modules: the functions of `index.js`, of one instance for both. Also where a tool
 * has taken this file out of the package:
 *
 * - Vite inlines the modules of a linked package, and evaluates `commonjs.js` without `require`: then the package is
 *   loaded by Node.
 * - A bundle has a copy of the CommonJS code, without the binary: the package is loaded if it is installed, else the
 *   copy is used. Where the copy cannot run, nothing is traced.
 */
import { createRequire } from 'node:module';
import commonjs from './commonjs.js';
import { absent } from './js/absent.mjs';

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
} = api();

/** @returns {typeof import('./index.js')} */
function api() {
  const isHere = typeof commonjs?.initLogger === 'function';
  // Where it is installed, and the usual case: a search would take a millisecond.
  if (isHere && import.meta.url?.endsWith('/flue-braintrust/index.mjs')) return commonjs;
  try {
    // The package as Node finds it from here: inside of it, itself.
    const installed = createRequire(import.meta.url)('flue-braintrust');
    // Another version may have fewer names.
    if (!isHere || Object.keys(commonjs).every((name) => name in installed)) return installed;
  } catch (error) {
    if (!isHere && process.env.FLUE_BRAINTRUST_STRICT === '1') throw error;
    if (!isHere) return absent(error);
  }
  return commonjs;
}
