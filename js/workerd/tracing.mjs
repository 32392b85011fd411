/**
 * What the package exports where no native part can run. The names are those of the Node entry, and no
 * function throws because tracing does not work. Importing makes no request.
 */
import { runInContext } from '../context.js';
import { NO_SPAN } from './absent.mjs';
import { keepAliveFor } from './lifetime.mjs';
import { peer, requirePeer } from './peer.mjs';
import { isStrict, settingsOf } from './settings.mjs';
import { shaped } from './shapes.mjs';
import { telling, watched } from './spans.mjs';
import { Tally } from './tally.mjs';
import { listenToWarnings, warn } from './warn.mjs';

/** @typedef {typeof import('../../index.d.ts')} Entry */
/** @typedef {typeof import('braintrust')} Braintrust */

/** How long `flush()` and `close()` wait unless told otherwise, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** How long a failed login is left alone, in milliseconds. */
const LOGIN_PAUSE_MS = 1000;

/** The events that rows are made of, and those after which a flush must not be missing. */
const TRACED =
  /^(run_(start|resume|end)|operation(_start)?|turn(_request)?|tool(_start|_call)?|task(_start)?|compaction(_start)?|submission_settled)$/;

const tally = new Tally(deliver);
/** @type {'idle' | 'started' | 'closed'} */
let state = 'idle';

let logIn = () => {};
let loggedInAt = 0;

/** What was observed already: who observes and instruments hears everything twice. */
const seen = new WeakSet();

/** @type {Entry['initLogger']} */
export function initLogger(options = {}) {
  try {
    listenToWarnings(options?.onError);
    const { initLogger: init } = requirePeer();
    const settings = { ...settingsOf(options ?? {}), fetch: tally.fetch };
    logIn = () => void watched(init(settings), tally.spans);
    logIn();
    state = 'started';
  } catch (error) {
    if (isStrict()) throw error;
    warn('NOT_STARTED', `${messageOf(error)}; the application runs on without tracing.`);
  }
  return { flush, stats, close };
}

/**
 * @param {unknown} event
 * @param {unknown} [context]
 */
function take(event, context) {
  const observe = peer?.braintrustFlueObserver;
  if (observe === undefined || state === 'idle') return;
  try {
    const told = /** @type {any} */ (event);
    if (typeof told !== 'object' || told === null || !TRACED.test(told.type)) return;
    if (seen.has(told)) return;
    seen.add(told);
    if (state === 'closed') return tally.refuse();
    tally.event();
    if (tally.isShutOut && /^(run|operation)_start$/.test(told.type)) logInAgain();
    telling(told, () => observe(shaped(told), /** @type {any} */ (context)));
    deliver();
  } catch (error) {
    warn('EVENT_LOST', `An event could not be read: ${messageOf(error)}.`);
  }
}

/** @type {Entry['braintrustFlueInstrumentation']} */
export function braintrustFlueInstrumentation() {
  const interceptor = peer?.braintrustFlueInstrumentation().interceptor;
  return {
    key: Symbol.for('flue-braintrust'),
    observe: take,
    interceptor: (operation, ctx, next) => {
      // A model's work has no spans of its own, and is asked for once per chunk.
      if (interceptor === undefined || state !== 'started' || operation?.type === 'model')
        return next();
      return interceptor(/** @type {any} */ (operation), /** @type {any} */ (ctx), () =>
        runInContext(operation, ctx, next),
      );
    },
    dispose: async () => {
      await flush();
    },
  };
}

/** @type {Entry['braintrustFlueObserver']} */
export const braintrustFlueObserver = Object.assign(
  (/** @type {unknown} */ event, /** @type {unknown} */ context) => take(event, context),
  braintrustFlueInstrumentation(),
);

/** @type {Entry['flush']} */
export async function flush(options) {
  const { losses } = tally;
  const inTime = await within(settled(), options?.timeoutMs);
  const complete = inTime && !tally.isShutOut && tally.losses === losses;
  return { complete, ...stats() };
}

/** @type {Entry['stats']} */
export const stats = () => tally.stats();

/** @type {Entry['close']} */
export function close(options) {
  if (state === 'started') state = 'closed';
  return flush(options);
}

/** @type {Braintrust['setMaskingFunction']} */
export function setMaskingFunction(mask) {
  peer?.setMaskingFunction(mask);
}

/** @type {Braintrust['traced']} */
export function traced(work, options) {
  if (peer === undefined) return /** @type {any} */ (work(NO_SPAN));
  const { traced } = peer;
  return delivering(() => traced(work, options));
}

/** @type {Braintrust['wrapTraced']} */
export function wrapTraced(work, options) {
  if (peer === undefined) return /** @type {any} */ (work);
  const wrapped = /** @type {(...args: any[]) => any} */ (peer.wrapTraced(work, options));
  return /** @type {any} */ ((/** @type {any[]} */ ...args) => delivering(() => wrapped(...args)));
}

/** @type {Braintrust['startSpan']} */
export function startSpan(options) {
  if (peer === undefined) return NO_SPAN;
  const span = peer.startSpan(options);
  const end = span.end.bind(span);
  span.end = (settings) => {
    const time = end(settings);
    deliver();
    return time;
  };
  return span;
}

/** @type {Braintrust['currentSpan']} */
export const currentSpan = (options) => peer?.currentSpan(options) ?? NO_SPAN;

/** @type {Braintrust['logError']} */
export function logError(span, error) {
  peer?.logError(span, error);
}

/** @type {Braintrust['injectTraceContext']} */
export const injectTraceContext = (
  /** @type {any} */ carrier = {},
  /** @type {any} */ options = undefined,
) => (peer === undefined ? carrier : peer.injectTraceContext(carrier, options));

/** The package never tries again by itself: one failed login would cost all that the isolate traces. */
function logInAgain() {
  const now = Date.now();
  if (now - loggedInAt < LOGIN_PAUSE_MS) return;
  loggedInAt = now;
  logIn();
}

/**
 * What is recorded is on its way at once. That it arrives is up to the one who caused it: after the reply
 * the runtime ends whatever it is not asked to wait for, and an upload that ends so holds up all that
 * follow it in the isolate, whoever caused them. Hence after every event, not after the last one alone; and
 * with every request, because who was the last to upload also uploads what others have recorded meanwhile.
 */
function deliver() {
  keepAliveFor(settled());
}

/** Never rejects. */
async function settled() {
  try {
    await peer?.flush();
    tally.settle();
  } catch (error) {
    warn('LOST', `What was recorded could not be delivered: ${messageOf(error)}.`);
  }
}

/**
 * Gives or throws what traced work gives or throws, and delivers its span when it is done.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
function delivering(work) {
  /** @type {T | undefined} */
  let result;
  try {
    result = work();
    return result;
  } finally {
    if (result instanceof Promise) keepAliveFor(result.then(settled, settled));
    else deliver();
  }
}

/**
 * Whether the work was done in time.
 * @param {Promise<unknown>} work
 * @param {unknown} timeoutMs
 */
async function within(work, timeoutMs) {
  const limit = typeof timeoutMs === 'number' && timeoutMs >= 0 ? timeoutMs : DEFAULT_TIMEOUT_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const tooLate = new Promise((resolve) => (timer = setTimeout(() => resolve(false), limit)));
  const inTime = await Promise.race([work.then(() => true), tooLate]);
  clearTimeout(timer);
  return inTime === true;
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
