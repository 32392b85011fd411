'use strict';

// Updates of custom spans, in the shapes of rows.

const { toJsonSafe } = require('../json/stringify.js');

/** The fields of an update, by the names of the `braintrust` package. */
const VALUES = /** @type {const} */ (['input', 'output', 'expected', 'metadata', 'tags']);
const NUMBERS = /** @type {const} */ (['scores', 'metrics']);

/** The metadata that names the fields which could not be read. */
const UNREADABLE = 'flue-braintrust.unreadable';

/**
 * The update of a span as the native part takes it. Does not change what the application passes. Never
 * throws.
 * @param {any} event
 * @returns {Record<string, any>}
 */
function spanUpdateOf(event) {
  /** @type {Record<string, any>} */
  const update = {};
  /** @type {string[]} */
  const unreadable = [];
  const put = (/** @type {string} */ name, /** @type {(given: any) => unknown} */ read) => {
    try {
      const value = read(event?.[name]);
      if (value !== undefined) update[name] = value;
    } catch {
      unreadable.push(name);
    }
  };
  for (const name of VALUES) put(name, (given) => shaped(name, toJsonSafe(given)));
  for (const name of NUMBERS) put(name, (given) => numbersOf(toJsonSafe(given)));
  put('error', (given) => (given === undefined ? undefined : errorOf(given)));
  if (unreadable.length > 0) update.metadata = { ...update.metadata, [UNREADABLE]: unreadable };
  return update;
}

/**
 * The value in the shape that the server takes for the field.
 * @param {string} name
 * @param {any} value
 */
function shaped(name, value) {
  if (value === undefined || value === null) return value ?? undefined;
  if (name === 'tags') return [...new Set([value].flat().map(String))];
  if (name === 'metadata' && (typeof value !== 'object' || Array.isArray(value))) return { value };
  return value;
}

/** The members of an object that are numbers; nothing without any. @param {any} object */
function numbersOf(object) {
  if (typeof object !== 'object' || object === null) return undefined;
  const numbers = Object.entries(object).filter(([, value]) => typeof value === 'number');
  return numbers.length > 0 ? Object.fromEntries(numbers) : undefined;
}

/**
 * The text of an error: its class, its message and its stack. Any other value stays as it is. Never throws.
 * @param {unknown} error
 * @returns {any}
 */
function errorOf(error) {
  try {
    if (!(error instanceof Error)) return toJsonSafe(error) ?? 'failed without a message';
    const { name, message, stack } = error;
    const summary = name === 'Error' ? message : `${name}: ${message}`;
    return toJsonSafe(typeof stack === 'string' ? `${summary}\n\n${stack}` : summary);
  } catch {
    return 'failed with an error that cannot be read';
  }
}

module.exports = { errorOf, spanUpdateOf };
