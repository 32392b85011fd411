'use strict';

// JSON values in a flat form that is cheap to compare with later values.

/** Stand before the values of a list and of an object. */
const LIST = Symbol('list');
const OBJECT = Symbol('object');

/**
 * JSON values, one after the other, to be compared with others later. Kept as one flat list of names and
 * plain values: comparing runs through a whole conversation at every turn, and is fastest when one side lies
 * in a row. Strings that came with an earlier event are the very same, so that seeing that they are equal
 * costs nothing.
 *
 * A list is `LIST, length, value, …`, an object `OBJECT, end, name, value, …`; members that are undefined are
 * left out, as in JSON. Objects with the same members in another order are not the same: their JSON is not.
 */
class FlatSnapshot {
  /** @type {unknown[]} */
  #values = [];
  /** Where in the values each ends. @type {number[]} */
  #ends = [];

  /**
   * How many from the first on are the same.
   * @param {readonly any[]} others
   */
  countSame(others) {
    const values = this.#values;
    const most = Math.min(this.#ends.length, others.length);
    let at = 0;
    for (let same = 0; same < most; same++) {
      at = compare(values, at, others[same]);
      if (at < 0) return same;
    }
    return most;
  }

  /**
   * Keeps the first, forgets those behind them, and adds others.
   * @param {number} kept
   * @param {readonly any[]} added JSON holds them as they are
   */
  replaceFrom(kept, added) {
    this.#ends.length = kept;
    this.#values.length = this.#ends[kept - 1] ?? 0;
    for (const value of added) {
      append(this.#values, value);
      this.#ends.push(this.#values.length);
    }
  }
}

/**
 * @param {unknown[]} values
 * @param {any} value
 */
function append(values, value) {
  if (typeof value !== 'object' || value === null) {
    values.push(value);
  } else if (Array.isArray(value)) {
    values.push(LIST, value.length);
    for (const item of value) append(values, item);
  } else {
    const start = values.push(OBJECT, 0);
    for (const name in value) {
      if (value[name] === undefined) continue;
      values.push(name);
      append(values, value[name]);
    }
    values[start - 1] = values.length;
  }
}

/**
 * Whether the value that is kept at a place is the same; gives the place behind it, else -1.
 * @param {readonly any[]} values
 * @param {number} at
 * @param {any} value
 */
function compare(values, at, value) {
  if (typeof value !== 'object' || value === null) return values[at] === value ? at + 1 : -1;
  return Array.isArray(value) ? compareList(values, at, value) : compareObject(values, at, value);
}

/**
 * @param {readonly any[]} values
 * @param {number} at
 * @param {readonly any[]} list
 */
function compareList(values, at, list) {
  if (values[at] !== LIST || values[at + 1] !== list.length) return -1;
  at += 2;
  for (let item = 0; item < list.length; item++) {
    at = compare(values, at, list[item]);
    if (at < 0) return -1;
  }
  return at;
}

/**
 * @param {readonly any[]} values
 * @param {number} at
 * @param {any} object
 */
function compareObject(values, at, object) {
  if (values[at] !== OBJECT) return -1;
  const end = values[at + 1];
  at += 2;
  for (const name in object) {
    const member = object[name];
    if (values[at] !== name) {
      if (member !== undefined) return -1;
    } else if (values[at + 1] === member) {
      at += 2;
    } else if (member !== undefined) {
      at = compare(values, at + 1, member);
      if (at < 0) return -1;
    }
  }
  // What has more members may have run into what is behind the object.
  return at === end ? at : -1;
}

module.exports = { FlatSnapshot };
