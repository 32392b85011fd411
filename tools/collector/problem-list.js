'use strict';

// What breaks the protocol, each once.

/** @typedef {import('./types').Problem} Problem */

/** The problems so far. */
class ProblemList {
  /** @type {Problem[]} */
  problems = [];
  /** How many problems of single rows there were. */
  count = 0;
  /** @type {Set<string>} */
  #known = new Set();
  #most;

  /** @param {number} most how many are kept at least, the last ones; twice as many at most */
  constructor(most) {
    this.#most = most;
  }

  /**
   * @param {Problem} problem
   * @param {boolean} isOfRow whether it counts: those of trees do not
   * @returns {boolean} whether it is new
   */
  add(problem, isOfRow) {
    const key = keyOf(problem);
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    if (isOfRow) this.count += 1;
    this.problems.push(problem);
    if (this.problems.length >= 2 * this.#most) {
      this.problems.splice(0, this.#most);
      this.#known = new Set(this.problems.map(keyOf));
    }
    return true;
  }

  clear() {
    this.problems = [];
    this.#known.clear();
  }
}

/** @param {Problem} problem */
function keyOf({ rowId, problem }) {
  return JSON.stringify([rowId, problem]);
}

module.exports = { ProblemList };
