'use strict';

// The processes that a process has started, and signals to them.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

/**
 * The process ids below a process, each after that of its parent. Empty where they cannot be found.
 *
 * @param {number} root
 * @returns {number[]}
 */
function descendantsOf(root) {
  const processes = process.platform === 'linux' ? listInProc() : listByPs();
  const found = [root];
  for (const above of found) {
    for (const { pid, parent } of processes) if (parent === above) found.push(pid);
  }
  return found.slice(1);
}

/** @typedef {{ pid: number, parent: number }} Process */

/** Slim images have no `ps`. @returns {Process[]} */
function listInProc() {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(Number(name));
      return stat === undefined ? [] : [{ pid: Number(name), parent: stat.parent }];
    });
}

/** @returns {Process[]} */
function listByPs() {
  if (process.platform === 'win32') return [];
  const args = ['-A', '-o', 'pid=,ppid='];
  const { stdout } = spawnSync('ps', args, { encoding: 'utf8', timeout: 2000 });
  const lines = (stdout ?? '').matchAll(/^\s*(\d+)\s+(\d+)\s*$/gm);
  return Array.from(lines, ([, pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}

/**
 * @param {number} pid
 * @returns {{ state: string, parent: number } | undefined} undefined: there is none
 */
function statOf(pid) {
  try {
    // The name of the program stands in parentheses, and may have some itself.
    const [state = '', parent = ''] = fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process runs. One that has ended, but that its parent has not asked for, does not.
 *
 * @param {number} pid
 */
function isRunning(pid) {
  if (process.platform === 'linux') return !['Z', 'X', undefined].includes(statOf(pid)?.state);
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

module.exports = { descendantsOf, isRunning, send };
