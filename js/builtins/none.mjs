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

export const types = {
  isPromise: (/** @type {unknown} */ value) => value instanceof Promise,
};

export const heapLimit = () => 128 * 1024 * 1024;

/** @returns {string} */
export const randomUUID = () => crypto.randomUUID();
