'use strict';

// Events and values as JSON: as they are where they are plain, else as copies with marks.

const { charactersIfSafe, isJsonSafe } = require('./json-safe.js');
const limits = require('./limits.js');
const { LONG } = require('./long-texts.js');
const { jsonSafeCopy, jsonSafeCopyOfEvent } = require('./json-safe-copy.js');
const { JSON } = require('./own-json.js');

/** How many characters an event has that is not written in vain: to ask for room takes a small part of the time. */
const LARGE = 16 * 1024;

const always = () => true;

/**
 * An event as JSON text, whatever it is. What JSON cannot hold, and what is too much, is replaced by a
 * mark. Never throws.
 * @param {object} event
 * @param {(event: any) => string} [writeLong] writes a JSON-safe event that may have a long text
 * @returns {string} an object's text
 */
function stringify(event, writeLong = JSON.stringify) {
  return /** @type {string} */ (stringifyIfRoom(event, writeLong, always));
}

/**
 * The same, unless the event is large and there is no room for it; then undefined.
 * @param {object} event
 * @param {(event: any) => string} writeLong writes a JSON-safe event that may have a long text
 * @param {(characters: number) => boolean} hasRoom whether there is room for so many characters
 * @returns {string | undefined}
 */
function stringifyIfRoom(event, writeLong, hasRoom) {
  try {
    const characters = charactersIfSafe(event);
    if (characters >= 0) {
      if (characters >= LARGE && !hasRoom(characters)) return undefined;
      const text = characters < LONG ? JSON.stringify(event) : writeLong(event);
      if (text.startsWith('{') && text.length <= limits.CHARACTERS) return text;
    }
  } catch {
    // Cycles, BigInt, throwing getters, no text at all: below, each member for itself.
  }
  return JSON.stringify(jsonSafeCopyOfEvent(event));
}

/**
 * The value itself if JSON holds it as it is, else a copy with marks. Never throws.
 * @template T
 * @param {T} value
 * @returns {T}
 */
function toJsonSafe(value) {
  try {
    if (isJsonSafe(value)) return value;
  } catch {
    // The copy marks what cannot be read.
  }
  return /** @type {T} */ (jsonSafeCopy(value));
}

module.exports = { stringify, stringifyIfRoom, toJsonSafe };
