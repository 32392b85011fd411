'use strict';

// Vercel's Node functions: what is recorded is delivered before the function is suspended.

const { untraced } = require('./context.js');
const { sleep } = require('./timers.js');

/** Where Vercel has the context of the request that runs now. */
const CONTEXT = Symbol.for('@vercel/request-context');

/** How long rows are collected before a delivery, in milliseconds. */
const COLLECT_MS = 100;
/** The longest time that one delivery keeps a request alive after the last event, in milliseconds. */
const PATIENCE_MS = 30_000;

/**
 * The contexts whose request waits for a delivery, and whether anything was recorded since.
 * @type {WeakMap<object, { isDirty: boolean }>}
 */
const waiting = new WeakMap();

/** Whether the latest check has found Vercel. */
let isHere = CONTEXT in globalThis;

/**
 * Keeps the request that runs now alive until what is recorded is delivered, if Vercel states how. Never throws.
 * @param {() => Promise<unknown>} flush delivers what is recorded so far
 * @param {boolean} mayBeFirst whether what was recorded may be the first of its request: only then is Vercel looked
 *   for, which takes longer than everything else for most events
 */
function deliverWithin(flush, mayBeFirst) {
  try {
    if (mayBeFirst) isHere = CONTEXT in globalThis;
    if (!isHere) return;
    const context = /** @type {any} */ (globalThis)[CONTEXT]?.get?.();
    const waitUntil = context?.waitUntil;
    if (typeof waitUntil !== 'function') return;
    const known = waiting.get(context);
    if (known !== undefined) {
      known.isDirty = true;
      return;
    }
    const state = { isDirty: true };
    waiting.set(context, state);
    const work = delivery(context, state, flush);
    untraced(() => waitUntil.call(context, work));
  } catch {
    // Not the context that Vercel documents: the application flushes by itself.
  }
}

/**
 * Delivers until nothing is recorded any more. Never rejects.
 * @param {object} context
 * @param {{ isDirty: boolean }} state
 * @param {() => Promise<unknown>} flush
 */
async function delivery(context, state, flush) {
  try {
    while (state.isDirty) {
      await sleep(COLLECT_MS);
      state.isDirty = false;
      await flush();
    }
  } catch {
    // The process is ending.
  } finally {
    waiting.delete(context);
  }
}

module.exports = { PATIENCE_MS, deliverWithin };
