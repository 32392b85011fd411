'use strict';

// Describes values in messages: by their class, or as a thrown value by its message.

/**
 * The name of a value's class. Messages of thrown values may hold secrets; their classes do not.
 * @param {unknown} value
 */
function classOf(value) {
  try {
    const maker = /** @type {any} */ (value)?.constructor;
    // One that is not a function is content.
    const name = typeof maker === 'function' ? maker.name : undefined;
    return typeof name === 'string' && /^\w{1,50}$/.test(name) ? name : typeof value;
  } catch {
    return typeof value;
  }
}

/**
 * The message of a thrown value, for people.
 * @param {unknown} error
 */
function messageOf(error) {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return classOf(error);
  }
}

module.exports = { classOf, messageOf };
