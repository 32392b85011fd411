// The package where it cannot be loaded: the functions of the application run, and nothing is traced.

const REMEDY =
  "keep it out of the bundle (`external: ['flue-braintrust']`), and install it beside the bundle";

/**
 * Stands for whatever the package would give: a logger, a span, an observer. Calls the function that it is given, with
 * itself.
 * @type {any}
 */
const nothing = new Proxy(function () {}, {
  construct: () => nothing,
  // No promise, and no value that could become a number or a text other than an empty one.
  get: (_target, name) => {
    if (name === 'toString') return () => '';
    return typeof name === 'symbol' || name === 'then' ? undefined : nothing;
  },
  apply: (_target, _self, args) => {
    const callback = args.find((value) => typeof value === 'function');
    return callback ? callback(nothing) : nothing;
  },
});

/**
 * @param {unknown} error why it cannot be loaded
 * @returns {any} an object with every name
 */
export function absent(error) {
  const { message = String(error) } = /** @type {Error} */ (error ?? {});
  const [line = ''] = message.split('\n');
  const own = {
    initLogger() {
      console.error(
        `[flue-braintrust] FLUE_BRAINTRUST_NOT_STARTED: the package cannot be loaded: ${line} (${REMEDY}); the application runs on without tracing.`,
      );
      return nothing;
    },
    // These get functions that they do not call.
    wrapTraced: (/** @type {unknown} */ work) => work,
    traceable: (/** @type {unknown} */ work) => work,
    setMaskingFunction() {},
  };
  return new Proxy(own, { get: (target, name) => Reflect.get(target, name) ?? nothing });
}
