// `#builtins` where nothing is traced.

export class AsyncLocalStorage {
  getStore() {
    return undefined;
  }

  /**
   * @template T
   * @param {unknown} _store
   * @param {() => T} work
   */
  run(_store, work) {
    return work();
  }
}

/** @param {string} name of a class, as `Object.prototype.toString` states it */
const isTagged = (name) => (/** @type {unknown} */ value) =>
  Object.prototype.toString.call(value) === `[object ${name}]`;

/** @param {(new (...args: any[]) => unknown)[]} classes */
const isOf =
  (...classes) =>
  (/** @type {unknown} */ value) =>
    classes.some((type) => value instanceof type);

export const types = {
  isAnyArrayBuffer: (/** @type {unknown} */ value) =>
    isTagged('ArrayBuffer')(value) || isTagged('SharedArrayBuffer')(value),
  isBoxedPrimitive: isOf(Boolean, Number, String),
  isDate: isTagged('Date'),
  isGeneratorObject: isTagged('Generator'),
  isMap: isTagged('Map'),
  isNativeError: isOf(Error),
  isPromise: isOf(Promise),
  // Nothing states that a value is one.
  isProxy: () => false,
  isRegExp: isTagged('RegExp'),
  isSet: isTagged('Set'),
  isWeakMap: isTagged('WeakMap'),
  isWeakSet: isTagged('WeakSet'),
};

/** The memory of an isolate, in bytes. */
export const heapLimit = () => 128 * 1024 * 1024;

/** A Worker has no timers that outlast its work. @param {() => unknown} work */
export const outsideOfWork = (work) => work();

/** @returns {string} */
export const randomUUID = () => crypto.randomUUID();

/** A clock that never goes back, in milliseconds. */
export const monotonicMs = () => performance.now();

/** Called as functions, as the runtime wants it. @type {Pick<typeof globalThis, 'clearTimeout' | 'setTimeout'>} */
export const timers = {
  clearTimeout: (timer) => clearTimeout(timer),
  setTimeout: /** @type {any} */ ((/** @type {[() => void]} */ ...args) => setTimeout(...args)),
};

/** As in `workerd.mjs`. */
export default {
  AsyncLocalStorage,
  heapLimit,
  monotonicMs,
  outsideOfWork,
  randomUUID,
  timers,
  types,
};
