'use strict';

const { toPlain } = require('../stringify.js');

/** What an application may say of a span, by the names of the `braintrust` package. */
const VALUES = /** @type {const} */ (['input', 'output', 'expected', 'metadata', 'tags']);
const NUMBERS = /** @type {const} */ (['scores', 'metrics']);

/**
 * What is said of a span, as it is handed over: whatever the application gives, without effect on it. Never
 * throws.
 * @param {any} event
 * @returns {Record<string, any>}
 */
function saidOf(event) {
  /** @type {Record<string, any>} */
  const said = {};
  for (const name of VALUES) put(said, name, () => shaped(name, toPlain(event?.[name])));
  for (const name of NUMBERS) put(said, name, () => numbersOf(toPlain(event?.[name])));
  put(said, 'error', () => (event?.error === undefined ? undefined : errorOf(event.error)));
  return said;
}

/**
 * @param {Record<string, any>} said
 * @param {string} name
 * @param {() => unknown} read
 */
function put(said, name, read) {
  try {
    const value = read();
    if (value !== undefined) said[name] = value;
  } catch {
    said[name] = toPlain({ [name]: '[flue-braintrust: unreadable]' });
  }
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
