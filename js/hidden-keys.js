'use strict';

// The API keys of 16 characters and more, which no line and no error of the JavaScript side shows. The native part hides
// them in its own.

const { dropOldest } = require('./drop-oldest.js');
const { hideBy } = require('./warn.js');

/** The shortest key that is looked for. A shorter one may be a word. */
const SHORTEST = 16;
/** How many keys are looked for at most. */
const MAX_KEYS = 1024;

/** Those that were set last come last. @type {Set<string>} */
const hidden = new Set();

/** @param {readonly unknown[]} keys what may be a key */
function hideKeys(keys) {
  for (const key of keys) {
    const text = typeof key === 'string' ? key.trim() : '';
    for (const shown of [text, bare(text)]) {
      if (shown.length < SHORTEST) continue;
      hidden.delete(shown);
      hidden.add(shown);
    }
  }
  dropOldest(hidden, MAX_KEYS);
}

/** The key in a setting that has more than the key, such as quotes, its name or `Bearer`. @param {string} key */
function bare(key) {
  const parts = key.split(/[^!-~]|["'`=]/);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest));
}

/** The text with asterisks in the place of the keys. @param {string} text */
function withoutKeys(text) {
  let shown = text;
  // A key may begin another one.
  const longestFirst = [...hidden].toSorted((a, b) => b.length - a.length);
  for (const key of longestFirst) shown = shown.replaceAll(key, '*'.repeat(key.length));
  return shown;
}

hideBy(withoutKeys);

module.exports = { hideKeys, withoutKeys };
