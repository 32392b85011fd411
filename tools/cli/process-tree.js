'use strict';

// The processes that a process has started, and signals to them.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

/** @typedef {{ pid: number, parent: number, session: number }} Process */

/**
 * All processes of this machine that run; empty where they cannot be listed.
 *
 * @returns {Process[]}
 */
function listProcesses() {
  return process.platform === 'linux' ? listInProc() : listByPs();
}

/**
 * The process ids below others, each after that of its parent.
 *
 * @param {Iterable<number>} roots
 * @param {Process[]} processes
 * @returns {number[]}
 */
function descendantsOf(roots, processes) {
  const found = new Set(roots);
  const above = found.size;
  // What is added is visited, too.
  for (const one of found) {
    for (const { pid, parent } of processes) if (parent === one) found.add(pid);
  }
  return [...found].slice(above);
}

/** Slim images have no `ps`. @returns {Process[]} */
function listInProc() {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(Number(name));
      if (stat === undefined || stat.hasEnded) return [];
      return [{ pid: Number(name), parent: stat.parent, session: stat.session }];
    });
}

/** @returns {Process[]} */
function listByPs() {
  if (process.platform === 'win32') return [];
  const args = ['-A', '-o', 'pid=,ppid='];
  const { stdout } = spawnSync('ps', args, { encoding: 'utf8', timeout: 2000 });
  const lines = (stdout ?? '').matchAll(/^\s*(\d+)\s+(\d+)\s*$/gm);
  return Array.from(lines, ([, pid, parent]) => ({
    pid: Number(pid),
    parent: Number(parent),
    session: 0,
  }));
}

/**
 * @param {number} pid
 * @returns {{ hasEnded: boolean, parent: number, session: number } | undefined} undefined: there is none
 */
function statOf(pid) {
  try {
    // The name of the program stands in parentheses, and may have some itself.
    const [state = '', parent, , session] = fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // Its parent has not asked for its end.
    const hasEnded = ['Z', 'X'].includes(state);
    return { hasEnded, parent: Number(parent), session: Number(session) };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process was started with a variable in its environment. False where that cannot be known.
 *
 * @param {number} pid
 * @param {string} variable `NAME=value`
 */
function hasVariable(pid, variable) {
  if (process.platform !== 'linux') return false;
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable);
  } catch {
    // It has ended, or is that of another user.
    return false;
  }
}

/**
 * Whether a process runs. One that has ended, but that its parent has not asked for, does not.
 *
 * @param {number} pid
 */
function isRunning(pid) {
  if (process.platform === 'linux') return statOf(pid)?.hasEnded === false;
  return send(pid, 0);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} whether there is such a process
 */
function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

module.exports = { descendantsOf, hasVariable, isRunning, listProcesses, send };
