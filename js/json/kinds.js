'use strict';

// What an object is: its class, and whether its members are its content.

const { types } = require('../builtins/index.js');
const { classOf } = require('./describe.js');

/** @param {object} object */
function hasNoContent(object) {
  return (
    types.isPromise(object) ||
    types.isWeakMap(object) ||
    types.isWeakSet(object) ||
    types.isGeneratorObject(object) ||
    // A Worker with an early compatibility date has none.
    (typeof WeakRef === 'function' && object instanceof WeakRef)
  );
}

/**
 * Whether an object of a class has no member that is listed: what it has, as a stream or a response does, is elsewhere.
 * @param {object} object
 */
function hidesContent(object) {
  if (Object.getPrototypeOf(object) === null || types.isNativeError(object)) return false;
  return Object.keys(object).length === 0 && !PLAIN.has(kindOf(object));
}

/** The kinds of objects whose members, listed in full, are their content. */
const PLAIN = new Set(['Object', 'Arguments']);

/**
 * The class of an object; its tag where the class does not name it, as that of a generator.
 * @param {object} object
 */
function kindOf(object) {
  const name = classOf(object);
  if (name !== 'Object' && name !== 'object') return name;
  const tag = Object.prototype.toString.call(object).slice('[object '.length, -1);
  return /^\w[\w ]{0,50}$/.test(tag) ? tag : 'Object';
}

/** Whether it has so many members named by numbers that it was a list, or bytes. @param {any} object */
const isNumbered = (object) => object[0] !== undefined && object[64] !== undefined;

/** How many members from 0 on there are, found in few steps. @param {any} object */
function numberedLength(object) {
  let there = 64;
  let missing = 128;
  while (missing in object) {
    there = missing;
    missing *= 2;
  }
  while (missing - there > 1) {
    const middle = Math.floor((there + missing) / 2);
    if (middle in object) there = middle;
    else missing = middle;
  }
  return missing;
}

/**
 * Whether the members are bytes, judged by a few hundred of them, evenly spread.
 * @param {any} object
 * @param {number} length
 */
function isByteLike(object, length) {
  const step = Math.max(1, Math.floor(length / 256));
  for (let at = 0; at < length; at += step) {
    const value = object[at];
    if (!Number.isInteger(value) || value < 0 || value > 255) return false;
  }
  return true;
}

module.exports = { hasNoContent, hidesContent, isByteLike, isNumbered, kindOf, numberedLength };
