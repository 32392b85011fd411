'use strict';

// Warnings on stderr, of which a flood is summed up.

const { printable } = require('../collector/text');
const { formatCount } = require('../support/format');

/** The most problems that are printed in a period, and its length in milliseconds. */
const [MAX_PROBLEMS, PERIOD_MS] = [20, 1000];

/** @param {string} text may contain values of rows, and so control characters */
function warn(text) {
  process.stderr.write(`warning: ${printable(text)}\n`);
}

/** Problems of rows: one mistake of an application may concern each of many thousand rows. */
class Problems {
  #printed = 0;
  #hidden = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {import('../collector/types').Problem} problem */
  report({ rowId, problem }) {
    this.#timer ??= setTimeout(() => this.flush(), PERIOD_MS).unref();
    if (this.#printed === MAX_PROBLEMS) {
      this.#hidden += 1;
      return;
    }
    this.#printed += 1;
    warn(`${rowId === null ? '' : `row ${rowId}: `}${problem}`);
  }

  /** States how many were not printed. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#printed = 0;
    if (this.#hidden > 0) warn(`and ${formatCount(this.#hidden)} more problems like these`);
    this.#hidden = 0;
  }
}

module.exports = { Problems, warn };
