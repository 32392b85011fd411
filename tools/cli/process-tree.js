'use strict';

// The processes that a process has started, and signals to them.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

/**
 * `start`: when it began, in ticks since the machine did. A process id may be given again, but not with the same start.
 * 0 where that is not known.
 *
 * @typedef {{ pid: number, parent: number, session: number, start: number }} Process
 */

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
  return namesInProc().flatMap((name) => {
    const { hasEnded = true, ...stat } = statOf(Number(name)) ?? {};
    return hasEnded ? [] : [/** @type {Process} */ ({ pid: Number(name), ...stat })];
  });
}

/** Some sandboxes have no `/proc`. @returns {string[]} */
function namesInProc() {
  try {
    return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/**
 * When a process began, as in {@link listProcesses}.
 *
 * @param {number} pid
 * @returns {number | undefined} undefined: there is none
 */
function startOf(pid) {
  return process.platform === 'linux' ? statOf(pid)?.start : 0;
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
    start: 0,
  }));
}

/**
 * @param {number} pid
 * @returns {{ hasEnded: boolean, parent: number, session: number, start: number } | undefined} undefined: there is none
 */
function statOf(pid) {
  try {
    // The name of the program stands in parentheses, and may have some itself.
    const fields = fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const [state = '', parent, , session] = fields;
    // Its parent has not asked for its end.
    const hasEnded = ['Z', 'X'].includes(state);
    // The field 22 of proc_pid_stat(5); the first here is its third.
    const start = Number(fields[19]);
    return { hasEnded, parent: Number(parent), session: Number(session), start };
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
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether there is such a process, and it may be sent to
 */
function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

module.exports = { descendantsOf, hasVariable, listProcesses, send, startOf };
