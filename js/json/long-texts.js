'use strict';

// JSON of messages with their long texts as they are. Most of the time of `JSON.stringify` is spent on escaping those;
// the native part does it on its own thread.

const { JSON } = require('./own-json.js');

/**
 * The length from which on a text is long, in characters. `JSON.stringify` takes 2.7 µs for 1,000 of them. To take a text
 * out takes 2 µs where the code is in the caches, and 20 between two events of an agent.
 */
const LONG = 4096;

/** Stands in place of the quotes of a long text. JSON does not have it, nor does a text between two of them. */
const BARE = '\0';

/** Holds the place of a long text in the JSON. */
const PLACE = 'flue-braintrust: a long text';
const PLACE_JSON = JSON.stringify(PLACE);

/** The long texts that were taken out, in their order. @type {string[]} */
let texts = [];

/**
 * The JSON of an object. Long texts of a part of it stand between NULs, not escaped.
 * @template T
 * @param {object} object JSON-safe
 * @param {T} part of the object, as in `takeTexts`
 * @param {(part: T) => object} withPart the object with another part in its place; it may change the object
 * @returns {string}
 */
function stringifyBare(object, part, withPart) {
  texts = [];
  const rest = takeTexts(part);
  if (texts.length === 0) return JSON.stringify(object);
  const pieces = JSON.stringify(withPart(rest)).split(PLACE_JSON);
  // A text of the application looks like the place of another one.
  if (pieces.length !== texts.length + 1) return JSON.stringify(withPart(part));
  let json = /** @type {string} */ (pieces[0]);
  for (let at = 0; at < texts.length; at++) json += BARE + texts[at] + BARE + pieces[at + 1];
  return json;
}

/**
 * A value without its long texts: those of messages, of their parts, of tool results, and of lists of these. At most
 * one member of an object has some, so that they keep their order.
 * @param {any} value
 * @returns {any}
 */
function takeTexts(value) {
  if (typeof value === 'string') return takeText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return takeTextsOfList(value);
  const { text, content } = value;
  if (typeof text === 'string') {
    return text.length < LONG ? value : { ...value, text: takeText(text) };
  }
  const rest = takeTexts(content);
  return rest === content ? value : { ...value, content: rest };
}

/** @param {string} text */
function takeText(text) {
  if (text.length < LONG || text.includes(BARE)) return text;
  texts.push(text);
  return PLACE;
}

/** @param {readonly any[]} list */
function takeTextsOfList(list) {
  /** @type {any[] | undefined} */
  let changed;
  for (let at = 0; at < list.length; at++) {
    const rest = takeTexts(list[at]);
    if (rest === list[at]) continue;
    changed ??= list.slice();
    changed[at] = rest;
  }
  return changed ?? list;
}

module.exports = { LONG, stringifyBare };
