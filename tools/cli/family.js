'use strict';

// The processes of an application: what its first process has started, directly or not.

const { descendantsOf, hasVariable, isRunning, listProcesses } = require('./process-tree');

/** The variable that all processes of an application have, by which those are found whose parents have ended. */
const MARK = 'FLUE_BRAINTRUST_DEV';

/** Finds the processes of an application again and again while it ends. */
class Family {
  #root;
  #mark;
  /** All that were found. @type {Set<number>} */
  #known = new Set();
  /** Sessions of daemons, which are to outlive the application. @type {Set<number> | undefined} */
  #daemons;

  /**
   * @param {number} root the process that was started
   * @param {string} mark the value of the variable `FLUE_BRAINTRUST_DEV` that it was started with
   */
  constructor(root, mark) {
    this.#root = root;
    this.#mark = `${MARK}=${mark}`;
  }

  /**
   * Those that run now, except the first one. A process that had left both its parent and its session before the first
   * look is a daemon, and no part of it; what leaves them later is.
   *
   * @returns {number[]}
   */
  members() {
    const processes = listProcesses();
    const below = new Set(descendantsOf([this.#root, ...this.#known], processes));
    const own = processes.find(({ pid }) => pid === process.pid)?.session;
    const strays = processes.filter(
      ({ pid }) => pid !== this.#root && !below.has(pid) && hasVariable(pid, this.#mark),
    );
    this.#daemons ??= new Set(
      strays.map(({ session }) => session).filter((session) => session !== own),
    );
    for (const { pid, session } of strays) if (!this.#daemons.has(session)) this.#known.add(pid);
    for (const pid of below) this.#known.add(pid);
    for (const pid of this.#known) if (!isRunning(pid)) this.#known.delete(pid);
    return [...this.#known];
  }
}

module.exports = { Family, MARK };
