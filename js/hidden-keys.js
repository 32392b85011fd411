'use strict';

// The API keys, which no line and no error of the JavaScript side shows. The native part hides them in its own.

const { dropOldest } = require('./drop-oldest.js');

/** The shortest key that is looked for. A shorter one may be a word. */
const SHORTEST = 16;
/** How many keys are looked for at most. */
const MAX_KEYS = 1024;

/** @type {Set<string>} */
const hidden = new Set();

/** @param {readonly unknown[]} keys what may be a key */
function hideKeys(keys) {
  for (const key of keys) {
    const text = typeof key === 'string' ? key.trim() : '';
    if (text.length >= SHORTEST) hidden.add(text);
  }
  dropOldest(hidden, MAX_KEYS);
}

/** The text with asterisks in the place of the keys. @param {string} text */
function withoutKeys(text) {
  let shown = text;
  for (const key of hidden) shown = shown.replaceAll(key, '*'.repeat(key.length));
  return shown;
}

module.exports = { hideKeys, withoutKeys };
