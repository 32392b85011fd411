'use strict';

// What parsed JSON takes on V8's heap, as measured: about, but for objects of many different shapes.

/** A string, an array and an object without their content, with the pointer to each. */
const [STRING, ARRAY, EMPTY_ARRAY, OBJECT, EMPTY_OBJECT] = [24, 56, 40, 32, 64];
/** A pointer, or a small integer in its place. Other numbers are objects, except in a list of numbers. */
const [POINTER, NUMBER] = [8, 24];
/** An object with more members is a hash table. */
const [MAX_SHAPE, TABLE_ENTRY] = [1_020, 56];

/** A character that makes a string take two bytes for each. */
const WIDE = /[\u0100-\uffff]/;

/**
 * @param {unknown} value as `JSON.parse` returns it
 * @returns {number}
 */
function heapBytes(value) {
  let bytes = 0;
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next === 'string') bytes += STRING + textBytes(next);
    else if (typeof next === 'number') bytes += (next | 0) === next ? POINTER : NUMBER;
    else if (typeof next !== 'object' || next === null) bytes += POINTER;
    else if (Array.isArray(next)) {
      bytes += next.length === 0 ? EMPTY_ARRAY : ARRAY;
      if (next.every((member) => typeof member === 'number')) bytes += POINTER * next.length;
      else for (const member of next) waiting.push(member);
    } else {
      const members = Object.entries(next);
      bytes += members.length === 0 ? EMPTY_OBJECT : OBJECT;
      if (members.length > MAX_SHAPE) bytes += TABLE_ENTRY * members.length;
      for (const [name, member] of members) {
        bytes += textBytes(name);
        waiting.push(member);
      }
    }
  }
  return bytes;
}

/** @param {string} text @returns {number} */
function textBytes(text) {
  return WIDE.test(text) ? 2 * text.length : text.length;
}

module.exports = { heapBytes };
