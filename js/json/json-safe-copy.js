'use strict';

// Copies any value as JSON-safe values, in bounded time. Survives getters that throw.

const { types } = require('../builtins/index.js');

const { classOf } = require('./describe.js');
const {
  hasNoContent,
  hidesContent,
  isByteLike,
  isNumbered,
  kindOf,
  numberedLength,
} = require('./kinds.js');
const limits = require('./limits.js');
const { leftOut, lengthOf, mark, markCut, markRest } = require('./marks.js');
const { boundaryBefore } = require('./text-boundary.js');

/** Whole numbers within this are written out; the time it takes grows with the square of the digits. */
const LARGEST_INTEGER = 2n ** 1024n;

/** How many values a proxy counts for: each look at one runs code of the application. */
const PROXY_VALUES = 20;

/** The name of no member. */
const NO_NAME = 'flue-braintrust: no member';

/** What stands for an object of another library in place of its members. @type {(object: object) => unknown} */
let instead = () => undefined;

/**
 * Sets what stands for objects of another library.
 * @param {(object: object) => unknown} shown undefined for all other objects; must not throw
 */
function showInstead(shown) {
  instead = shown;
}

/** The longest name of a member, in characters. */
const LONGEST_NAME = 1000;

/**
 * A copy that `JSON.stringify` writes in full, in bounded time, whatever the value is. What JSON does not
 * have is written in the form nearest to it; a mark stands where something is left out. An object is
 * copied member by member, even one that would be written otherwise. Never throws.
 * @param {unknown} value
 */
function jsonSafeCopy(value) {
  return new Copier().copy(value);
}

/**
 * The same of an event, of which at least the members are wanted: it stays an object whatever it is.
 * @param {object} event
 */
function jsonSafeCopyOfEvent(event) {
  try {
    const { type } = /** @type {{ type?: unknown }} */ (event);
    // The type may be its class's.
    return {
      type: typeof type === 'string' ? type : undefined,
      ...new Copier().copyMembers(event),
    };
  } catch {
    return {};
  }
}

class Copier {
  #valuesLeft = limits.VALUES;
  #charactersLeft = limits.CHARACTERS;
  /** The objects from the outermost to where we are. @type {object[]} */
  #path = [];

  /**
   * @param {unknown} value
   * @returns {unknown}
   */
  copy(value) {
    if (--this.#valuesLeft < 0) return markCut('too much');
    switch (typeof value) {
      case 'string':
        return this.#copyText(value);
      case 'number':
        return Number.isFinite(value) ? value : mark(String(value));
      case 'bigint':
        return value < LARGEST_INTEGER && value > -LARGEST_INTEGER
          ? String(value)
          : markCut('bigint');
      case 'function':
      case 'symbol':
        return mark(typeof value);
      case 'object':
        return value === null ? null : this.#copyObject(value);
      default:
        return value;
    }
  }

  /** @param {string} text */
  #copyText(text) {
    let { length } = text;
    if (length > this.#charactersLeft) {
      const most = Math.max(0, Math.min(limits.CUT_CHARACTERS, this.#charactersLeft));
      length = boundaryBefore(text, most);
    }
    this.#charactersLeft -= length;
    return length === text.length
      ? text
      : `${text.slice(0, length)}${markCut(`cut, ${lengthOf(text)} characters in all`)}`;
  }

  /** @param {object} object */
  #copyObject(object) {
    if (this.#path.includes(object)) return mark('cycle');
    if (this.#path.length >= limits.DEPTH) return markCut('too deep');
    if (types.isProxy(object)) this.#valuesLeft -= PROXY_VALUES;
    this.#path.push(object);
    try {
      return this.#copyByClass(object);
    } catch (error) {
      return mark(`unreadable, ${classOf(error)}`);
    } finally {
      this.#path.pop();
    }
  }

  /**
   * @param {any} object
   * @returns {unknown}
   */
  #copyByClass(object) {
    if (Array.isArray(object)) return this.#copyList(object);
    if (ArrayBuffer.isView(object) || types.isAnyArrayBuffer(object)) {
      return mark(`${object.byteLength} bytes`);
    }
    if (types.isMap(object)) return this.#copyMap(object);
    if (types.isSet(object)) return this.#copyIterable(object, object.size);
    if (types.isDate(object)) {
      return Number.isNaN(object.getTime()) ? mark('Invalid Date') : object.toISOString();
    }
    if (types.isRegExp(object)) return this.#copyText(String(object));
    if (types.isBoxedPrimitive(object)) return this.copy(object.valueOf());
    if (hasNoContent(object)) return mark(kindOf(object));
    const { toJSON } = object;
    if (typeof toJSON === 'function') {
      // A stub of an object elsewhere has a function for any name, which calls that object.
      if (typeof object[NO_NAME] === 'function') return mark(classOf(object));
      const shown = toJSON.call(object, '');
      return shown === object ? this.copyMembers(object) : this.copy(shown);
    }
    const shown = instead(object);
    if (shown !== undefined) return this.copy(shown);
    if (isNumbered(object)) return this.#copyNumbered(object);
    return hidesContent(object) ? mark(kindOf(object)) : this.copyMembers(object);
  }

  /** @param {any} object */
  copyMembers(object) {
    /** @type {Record<string, unknown>} */
    const copy = Object.create(null);
    if (types.isNativeError(object)) {
      // These are not among the members that are listed.
      for (const name of ['name', 'message', 'stack', 'cause'])
        this.#copyMember(copy, object, name);
    }
    const names = Object.keys(object);
    const kept = Math.min(names.length, limits.MEMBERS);
    for (let at = 0; at < kept; at++) {
      this.#copyMember(copy, object, /** @type {string} */ (names[at]));
      if (this.#valuesLeft < 0) return markRest(copy, names.length - at - 1, object);
    }
    return markRest(copy, names.length - kept, object);
  }

  /**
   * @param {Record<string, unknown>} copy
   * @param {any} object
   * @param {string} name
   */
  #copyMember(copy, object, name) {
    const shown = this.#copyName(name);
    try {
      copy[shown] = this.copy(object[name]);
    } catch (error) {
      copy[shown] = mark(`unreadable, ${classOf(error)}`);
    }
  }

  /** @param {string} name */
  #copyName(name) {
    this.#charactersLeft -= Math.min(name.length, LONGEST_NAME);
    const length = boundaryBefore(name, LONGEST_NAME);
    return length === name.length ? name : name.slice(0, length) + markCut('cut');
  }

  /**
   * A list that became an object on its way, with a member for each number. The names of a long one are
   * not listed: that alone takes a tenth of a second for a million.
   * @param {any} object
   */
  #copyNumbered(object) {
    const length = numberedLength(object);
    const isLong = length > limits.MEMBERS;
    if ((isLong || Object.keys(object).length === length) && isByteLike(object, length)) {
      return mark(`${length} bytes`);
    }
    if (!isLong) return this.copyMembers(object);
    /** @type {Record<string, unknown>} */
    const copy = Object.create(null);
    for (let at = 0; at < limits.MEMBERS; at++) this.#copyMember(copy, object, String(at));
    return markRest(copy, length - limits.MEMBERS);
  }

  /** @param {readonly unknown[]} list */
  #copyList(list) {
    const { length } = list;
    const kept = Math.min(length, limits.MEMBERS);
    const copy = [];
    for (let at = 0; at < kept; at++) {
      // A list with a great length may be sparse.
      if (length > limits.MEMBERS && !(at in list)) {
        const hole = at;
        while (at + 1 < kept && !(at + 1 in list)) at += 1;
        copy.push(mark(`${at + 1 - hole} empty`));
      } else {
        copy.push(this.#copyElement(list, at));
      }
      if (this.#valuesLeft < 0) {
        copy.push(markCut(`${leftOut(length - at - 1, list, length - 1)} more`));
        return copy;
      }
    }
    if (length > kept) copy.push(markCut(`${leftOut(length - kept, list, length - 1)} more`));
    return copy;
  }

  /**
   * @param {readonly unknown[]} list
   * @param {number} at
   */
  #copyElement(list, at) {
    try {
      return this.copy(list[at]);
    } catch (error) {
      return mark(`unreadable, ${classOf(error)}`);
    }
  }

  /**
   * An object, even for keys that are numbers, so that rules find its names; else a list.
   * @param {Map<unknown, unknown>} map
   */
  #copyMap(map) {
    let named = true;
    let seen = 0;
    for (const key of map.keys()) {
      named &&= isPrimitive(key);
      if (!named || ++seen > limits.MEMBERS) break;
    }
    if (!named) return this.#copyIterable(map, map.size);
    /** @type {Record<string, unknown>} */
    const copy = Object.create(null);
    let kept = 0;
    for (const [key, value] of map) {
      if (kept >= limits.MEMBERS || this.#valuesLeft < 0) break;
      kept += 1;
      copy[this.#copyName(String(key))] = this.copy(value);
    }
    return markRest(copy, map.size - kept);
  }

  /**
   * @param {Iterable<unknown>} values
   * @param {number} size
   */
  #copyIterable(values, size) {
    const copy = [];
    for (const value of values) {
      if (copy.length >= limits.MEMBERS || this.#valuesLeft < 0) {
        copy.push(markCut(`${size - copy.length} more`));
        break;
      }
      copy.push(this.copy(value));
    }
    return copy;
  }
}

/** @param {unknown} value */
const isPrimitive = (value) =>
  value === null || (typeof value !== 'object' && typeof value !== 'function');

module.exports = { jsonSafeCopy, jsonSafeCopyOfEvent, showInstead };
