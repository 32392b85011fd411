'use strict';

// The processes of an application: what its first process has started, directly or not.

const { descendantsOf, hasVariable, listProcesses, startOf } = require('./process-tree');

/** The variable that all processes of an application have, by which those are found whose parents have ended. */
const MARK = 'FLUE_BRAINTRUST_DEV';

/** Finds the processes of an application again and again while it ends. */
class Family {
  #root;
  #rootStart;
  #mark;
  /** All that were found and run, with their starts. @type {Map<number, number>} */
  #known = new Map();
  /** Sessions of daemons, which are to outlive the application. @type {Set<number> | undefined} */
  #daemons;

  /**
   * @param {number} root the process that was started, just now: nobody has asked for its end yet
   * @param {string} mark the value of the variable `FLUE_BRAINTRUST_DEV` that it was started with
   */
  constructor(root, mark) {
    this.#root = root;
    this.#rootStart = startOf(root);
    this.#mark = `${MARK}=${mark}`;
  }

  /**
   * Those that run now, except the first one. A process that had left both its parent and its session before the first
   * look is a daemon: neither it nor what it starts is a part of the application. What leaves them later is.
   *
   * @returns {number[]}
   */
  members() {
    const processes = listProcesses();
    const starts = new Map(processes.map(({ pid, start }) => [pid, start]));
    // The ids of those that have ended may be those of strangers by now.
    for (const [pid, start] of this.#known) {
      if (starts.get(pid) !== start) this.#known.delete(pid);
    }
    const isRootThere = processes.some((one) => this.#isRoot(one));
    const above = [...(isRootThere ? [this.#root] : []), ...this.#known.keys()];
    const below = new Set(descendantsOf(above, processes));
    const strays = this.#strays(processes, below);
    for (const { pid, start } of processes) {
      if (below.has(pid) || strays.has(pid)) this.#known.set(pid, start);
    }
    return [...this.#known.keys()];
  }

  /** Whether it is the first process. @param {import('./process-tree').Process} one */
  #isRoot({ pid, start }) {
    return pid === this.#root && start === this.#rootStart;
  }

  /**
   * Those with the mark whose parents have ended, without daemons and what these have started.
   *
   * @param {import('./process-tree').Process[]} processes
   * @param {Set<number>} below those whose parents have not
   * @returns {Set<number>}
   */
  #strays(processes, below) {
    // An application may have a session of its own, such as below `script`.
    const isInside = (/** @type {number} */ pid) =>
      pid === process.pid || pid === this.#root || below.has(pid);
    const inside = new Set(processes.filter(({ pid }) => isInside(pid)).map((one) => one.session));
    const marked = processes.filter(
      (one) => !this.#isRoot(one) && !below.has(one.pid) && hasVariable(one.pid, this.#mark),
    );
    const daemons = (this.#daemons ??= new Set(
      marked.map(({ session }) => session).filter((session) => !inside.has(session)),
    ));
    const isDaemon = marked.filter(({ session }) => daemons.has(session)).map(({ pid }) => pid);
    const left = new Set([...isDaemon, ...descendantsOf(isDaemon, processes)]);
    // A daemon may end before what it has started.
    for (const { pid, session } of marked) if (left.has(pid)) daemons.add(session);
    return new Set(marked.map(({ pid }) => pid).filter((pid) => !left.has(pid)));
  }
}

module.exports = { Family, MARK };
