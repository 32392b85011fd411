'use strict';

// Kills a process and those that it has started.

const { spawnSync } = require('node:child_process');

/**
 * Ends a child process and its descendants, whatever they do with signals. Where they cannot be found, the child alone.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
function killTree(child) {
  const { pid, exitCode, signalCode } = child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(pid), '/t', '/f']);
  else for (const descendant of descendantsOf(pid)) kill(descendant);
  child.kill('SIGKILL');
}

/**
 * @param {number} root
 * @returns {number[]} the process ids below it
 */
function descendantsOf(root) {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], {
    encoding: 'utf8',
    timeout: 2000,
  });
  const processes = [...(stdout ?? '').matchAll(/^\s*(\d+)\s+(\d+)\s*$/gm)].map(
    ([, pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }),
  );
  const found = [root];
  for (const above of found) {
    found.push(...processes.filter(({ parent }) => parent === above).map(({ pid }) => pid));
  }
  return found.slice(1);
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

module.exports = { killTree };
