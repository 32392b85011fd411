// Warnings on Cloudflare: by `console`, where there is no stderr to write to.

/** @typedef {import('../../index.d.ts').Trouble} Trouble */

/** The codes that were warned of already. @type {Set<string>} */
const warned = new Set();

/** @type {((trouble: Trouble) => void) | undefined} */
let listener;

/** @param {unknown} onError the application's listener, if it is one */
export function listenToWarnings(onError) {
  if (typeof onError === 'function') listener = /** @type {typeof listener} */ (onError);
}

/**
 * Tells the listener, and once for each code and reason the console.
 * @param {string} code without the prefix `FLUE_BRAINTRUST_`
 * @param {string} message whole sentences; never a key, never content
 * @param {Pick<Trouble, 'reason' | 'rows'>} [loss]
 */
export function warn(code, message, loss = {}) {
  const trouble = { code: `FLUE_BRAINTRUST_${code}`, message, ...loss };
  try {
    listener?.(trouble);
  } catch {
    // What the application's listener throws is no concern of the trace's.
  }
  const kind = `${code} ${loss.reason ?? ''}`;
  if (warned.has(kind)) return;
  warned.add(kind);
  console.warn(`[flue-braintrust] ${trouble.code}: ${message}`);
}
