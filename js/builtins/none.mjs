// `#builtins` where nothing is traced.

import * as isolate from './isolate.mjs';

export * from './isolate.mjs';

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
  // Nothing shows that a value is a proxy.
  isProxy: () => false,
  isRegExp: isTagged('RegExp'),
  isSet: isTagged('Set'),
  isWeakMap: isTagged('WeakMap'),
  isWeakSet: isTagged('WeakSet'),
};

/** As in `workerd.mjs`. */
export default { ...isolate, AsyncLocalStorage, types };
