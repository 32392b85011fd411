'use strict';

// What an application says of a span, in the shapes of rows.

const { toPlain } = require('../json/stringify.js');

/** What an application may say of a span, by the names of the `braintrust` package. */
const VALUES = /** @type {const} */ (['input', 'output', 'expected', 'metadata', 'tags']);
const NUMBERS = /** @type {const} */ (['scores', 'metrics']);

/** The fact that names the fields which could not be read. */
const UNREADABLE = 'flue-braintrust.unreadable';

/**
 * What is said of a span, as it is handed over: whatever the application gives, without effect on it. Never
 * throws.
 * @param {any} event
 * @returns {Record<string, any>}
 */
function saidOf(event) {
  /** @type {Record<string, any>} */
  const said = {};
  /** @type {string[]} */
  const unreadable = [];
  const put = (/** @type {string} */ name, /** @type {(given: any) => unknown} */ read) => {
    try {
      const value = read(event?.[name]);
      if (value !== undefined) said[name] = value;
    } catch {
      unreadable.push(name);
    }
  };
  for (const name of VALUES) put(name, (given) => shaped(name, toPlain(given)));
  for (const name of NUMBERS) put(name, (given) => numbersOf(toPlain(given)));
  put('error', (given) => (given === undefined ? undefined : errorOf(given)));
  if (unreadable.length > 0) said.metadata = { ...said.metadata, [UNREADABLE]: unreadable };
  return said;
}

/**
 * The value in the shape that the server takes for the field.
 * @param {string} name
 * @param {any} value
 */
function shaped(name, value) {
  if (value === undefined || value === null) return value ?? undefined;
  if (name === 'tags') return [value].flat().map(String);
  if (name === 'metadata' && (typeof value !== 'object' || Array.isArray(value))) return { value };
  return value;
}

/** Of an object those members that are numbers, or nothing. @param {any} object */
function numbersOf(object) {
  if (typeof object !== 'object' || object === null) return undefined;
  const numbers = Object.entries(object).filter(([, value]) => typeof value === 'number');
  return numbers.length > 0 ? Object.fromEntries(numbers) : undefined;
}

/**
 * What was thrown, as a person reads it: its class, its message and its stack. Anything that is no error stays as
 * it is. Never throws.
 * @param {unknown} error
 * @returns {any}
 */
function errorOf(error) {
  try {
    if (!(error instanceof Error)) return toPlain(error) ?? 'failed without a message';
    const { name, message, stack } = error;
    const said = name === 'Error' ? message : `${name}: ${message}`;
    return toPlain(typeof stack === 'string' ? `${said}\n\n${stack}` : said);
  } catch {
    return 'failed with an error that cannot be read';
  }
}

module.exports = { errorOf, saidOf };
