'use strict';

// JSON values in a flat form that is cheap to compare with later values.

/** Markers before the values of a list and of an object. */
const LIST = Symbol('list');
const OBJECT = Symbol('object');

// Objects of the most frequent forms of a conversation are kept without the names of their members. Reading members by
// name takes a fraction of the time of a loop over all names; such a loop only checks that there are no others.
/** `{ role, content }` */
const MESSAGE = Symbol('message');
/** `{ role, toolCallId, toolName, content, isError }` */
const RESULT = Symbol('result');
/** `{ type, text }` */
const TEXT = Symbol('text');
/** `{ type, id, name, arguments }` */
const CALL = Symbol('call');

/** The memory of a value in the list, in bytes. */
const VALUE_BYTES = 8;

/**
 * JSON values, one after the other, to be compared with others later. They are kept as one flat list of names and plain
 * values: every turn compares a whole conversation, which is fastest if one side is one list. A string of an earlier
 * event is the same string in memory, so that comparing it costs nothing.
 *
 * A list is `LIST, length, value, …`, an object `OBJECT, end, name, value, …`, or one of the forms above and its
 * values; members that are undefined are left out, as in JSON. Objects with the same members in another order are not
 * the same: their JSON is not.
 */
class FlatSnapshot {
  /** @type {unknown[]} */
  #values = [];
  /** The end of each JSON value in `#values`. @type {number[]} */
  #ends = [];
  /** The number of characters in all strings up to the end of each JSON value. @type {number[]} */
  #characters = [];

  /** The estimated memory in bytes, including that of the strings, at one byte for each character. */
  get bytes() {
    return this.#values.length * VALUE_BYTES + (this.#characters.at(-1) ?? 0);
  }

  /**
   * How many values are the same, from the first one on.
   * @param {readonly any[]} others
   * @param {number} from the first ones that are known to be the same
   */
  countSame(others, from = 0) {
    const values = this.#values;
    const most = Math.min(this.#ends.length, others.length);
    let at = from === 0 ? 0 : /** @type {number} */ (this.#ends[from - 1]);
    for (let same = from; same < most; same++) {
      at = compare(values, at, others[same]);
      if (at < 0) return same;
    }
    return Math.max(from, most);
  }

  /**
   * Keeps the first values, forgets those after them, and adds others.
   * @param {number} kept
   * @param {readonly any[]} added JSON holds them as they are
   */
  replaceFrom(kept, added) {
    if (kept < this.#ends.length) {
      this.#ends.length = kept;
      this.#characters.length = kept;
      this.#values.length = this.#ends[kept - 1] ?? 0;
    }
    let characters = this.#characters[kept - 1] ?? 0;
    for (const value of added) {
      const start = this.#values.length;
      append(this.#values, value);
      for (let at = start; at < this.#values.length; at++) {
        const item = this.#values[at];
        if (typeof item === 'string') characters += item.length;
      }
      this.#ends.push(this.#values.length);
      this.#characters.push(characters);
    }
  }
}

/**
 * @param {unknown[]} values
 * @param {any} value
 */
function append(values, value) {
  if (typeof value !== 'object' || value === null) values.push(value);
  else if (Array.isArray(value)) appendList(values, value);
  // Most objects have none of the forms. Two members decide, because reading more takes time.
  else if (typeof value.role === 'string') appendMessage(values, value);
  else if (typeof value.type === 'string') appendPart(values, value);
  else appendObject(values, value);
}

/**
 * @param {unknown[]} values
 * @param {any} message
 */
function appendMessage(values, message) {
  const { role, toolCallId, toolName, content, isError } = message;
  if (content === undefined) appendObject(values, message);
  else if (toolCallId === undefined && hasMessageNames(message)) {
    values.push(MESSAGE, role);
    append(values, content);
  } else if (isResult(message)) {
    values.push(RESULT, role, toolCallId, toolName, isError);
    append(values, content);
  } else appendObject(values, message);
}

/**
 * @param {unknown[]} values
 * @param {any} part
 */
function appendPart(values, part) {
  const { type, text } = part;
  if (typeof text === 'string' && hasTextNames(part)) {
    values.push(TEXT, type, text);
  } else if (isCall(part)) {
    values.push(CALL, type, part.id, part.name);
    append(values, part.arguments);
  } else appendObject(values, part);
}

/**
 * @param {unknown[]} values
 * @param {readonly any[]} list
 */
function appendList(values, list) {
  values.push(LIST, list.length);
  for (const item of list) append(values, item);
}

/**
 * @param {unknown[]} values
 * @param {any} object
 */
function appendObject(values, object) {
  const start = values.push(OBJECT, 0);
  for (const name in object) {
    if (object[name] === undefined) continue;
    values.push(name);
    append(values, object[name]);
  }
  values[start - 1] = values.length;
}

/**
 * Whether the value that is kept at a place is the same; gives the place after it, else -1.
 * @param {readonly unknown[]} values
 * @param {number} at
 * @param {any} value
 * @returns {number}
 */
function compare(values, at, value) {
  const kept = values[at];
  if (typeof value !== 'object' || value === null) return kept === value ? at + 1 : -1;
  if (kept === TEXT) return compareText(values, at, value);
  if (kept === LIST) return compareList(values, at, value);
  if (kept === RESULT) return compareResult(values, at, value);
  if (kept === MESSAGE) return compareMessage(values, at, value);
  if (kept === CALL) return compareCall(values, at, value);
  return kept === OBJECT ? compareObject(values, at, value) : -1;
}

/** @type {typeof compare} */
function compareMessage(values, at, message) {
  if (values[at + 1] !== message.role || !hasMessageNames(message)) return -1;
  return compare(values, at + 2, message.content);
}

/** @type {typeof compare} */
function compareResult(values, at, message) {
  const isSame =
    values[at + 1] === message.role &&
    values[at + 2] === message.toolCallId &&
    values[at + 3] === message.toolName &&
    values[at + 4] === message.isError &&
    hasResultNames(message);
  return isSame ? compare(values, at + 5, message.content) : -1;
}

/** @type {typeof compare} */
function compareText(values, at, part) {
  const isSame = values[at + 1] === part.type && values[at + 2] === part.text && hasTextNames(part);
  return isSame ? at + 3 : -1;
}

/** @type {typeof compare} */
function compareCall(values, at, part) {
  const isSame =
    values[at + 1] === part.type &&
    values[at + 2] === part.id &&
    values[at + 3] === part.name &&
    hasCallNames(part);
  return isSame ? compare(values, at + 4, part.arguments) : -1;
}

/** @type {typeof compare} */
function compareList(values, at, list) {
  if (!Array.isArray(list) || values[at + 1] !== list.length) return -1;
  at += 2;
  for (let item = 0; item < list.length; item++) {
    at = compare(values, at, list[item]);
    if (at < 0) return -1;
  }
  return at;
}

/** @type {typeof compare} */
function compareObject(values, at, object) {
  if (Array.isArray(object)) return -1;
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
  // What has more members may have run into what follows the object.
  return at === end ? at : -1;
}

// Whether an object has the names of a form and no others, in its order. Two names are in order if the first is.

const MESSAGE_NAMES = ['role', 'content'];
const RESULT_NAMES = ['role', 'toolCallId', 'toolName', 'content', 'isError'];
const TEXT_NAMES = ['type', 'text'];
const CALL_NAMES = ['type', 'id', 'name', 'arguments'];

/** @param {any} object */
function hasMessageNames(object) {
  let count = 0;
  for (const name in object) if (count++ === 0 && name !== 'role') break;
  return count === 2 || hasDefinedNames(object, MESSAGE_NAMES);
}

/** @param {any} object */
function hasTextNames(object) {
  let count = 0;
  for (const name in object) if (count++ === 0 && name !== 'type') break;
  return count === 2 || hasDefinedNames(object, TEXT_NAMES);
}

/** @param {any} object */
function hasResultNames(object) {
  return hasNames(object, RESULT_NAMES) || hasDefinedNames(object, RESULT_NAMES);
}

/** @param {any} object */
function hasCallNames(object) {
  return hasNames(object, CALL_NAMES) || hasDefinedNames(object, CALL_NAMES);
}

/**
 * @param {any} object
 * @param {readonly string[]} names
 */
function hasNames(object, names) {
  let count = 0;
  for (const name in object) if (name !== names[count++]) return false;
  return count === names.length;
}

/**
 * The same, without members that are undefined, which JSON does not have.
 * @param {any} object
 * @param {readonly string[]} names
 */
function hasDefinedNames(object, names) {
  let count = 0;
  for (const name in object) {
    if (object[name] !== undefined && name !== names[count++]) return false;
  }
  return count === names.length;
}

// Whether an object has a form, and simple values where the form has them.

/** @param {any} message with a role and content */
function isResult(message) {
  return (
    typeof message.toolCallId === 'string' &&
    typeof message.toolName === 'string' &&
    typeof message.isError === 'boolean' &&
    hasResultNames(message)
  );
}

/** @param {any} part with a type */
function isCall(part) {
  return (
    typeof part.id === 'string' &&
    typeof part.name === 'string' &&
    part.arguments !== undefined &&
    hasCallNames(part)
  );
}

module.exports = { FlatSnapshot };
