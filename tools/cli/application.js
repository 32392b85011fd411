'use strict';

// The application that `dev` starts: a child process with the terminal of this one.

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const { messageOf } = require('../../js/json/json-safe-copy');
const { Failure } = require('../support/usage');
const { killTree } = require('./process-tree');

/** When an application that still runs gets SIGTERM, and when it is killed: milliseconds after the request to stop. */
const [TERM_AFTER_MS, KILL_AFTER_MS] = [2500, 5000];

/** A running application. */
class Application {
  #child;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isKilled = false;
  /** Resolves with its exit code when it has ended: as in a shell, 128 and the number of the signal that ended it. */
  ended;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
    /** @type {Promise<number>} */
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        clearTimeout(this.#timer);
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  }

  /** Whether it had to be killed. */
  get isKilled() {
    return this.#isKilled;
  }

  /**
   * Asks it to end, once more after a while, and kills it when it has not ended after five seconds.
   *
   * @param {NodeJS.Signals} signal
   */
  stop(signal) {
    // On Ctrl-C the terminal has sent the signal to the application as well, and many take a second one for impatience.
    const hasIt = signal === 'SIGINT' && process.stdin.isTTY === true;
    if (!hasIt) this.#child.kill(signal);
    this.#timer = setTimeout(() => {
      if (signal !== 'SIGTERM') this.#child.kill('SIGTERM');
      this.#timer = setTimeout(() => this.kill(), KILL_AFTER_MS - TERM_AFTER_MS);
    }, TERM_AFTER_MS);
  }

  /** Ends it and the processes that it has started, whatever they do. */
  kill() {
    this.#isKilled = true;
    killTree(this.#child);
  }
}

/**
 * Starts an application with the terminal of this process.
 *
 * @param {string[]} command the program and its arguments
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Application>} rejects with a `Failure` when it cannot be started
 */
async function startApplication([program = '', ...args], env) {
  const child = spawn(...commandFor(program, args), { stdio: 'inherit', env, ...shellFor() });
  const application = new Application(child);
  await new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', (error) => reject(new Failure(explained(program, error))));
  });
  // Later errors are those of signals that it cannot get any more.
  child.on('error', () => {});
  return application;
}

/** On Windows, `npm` and other commands are scripts, which only a shell starts. */
const shellFor = () => (process.platform === 'win32' ? { shell: true } : {});

/**
 * @param {string} program
 * @param {string[]} args
 * @returns {[program: string, args: string[]]}
 */
function commandFor(program, args) {
  if (process.platform !== 'win32') return [program, args];
  const quoted = (/** @type {string} */ word) =>
    /^[\w./:=@\\-]+$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`;
  return [quoted(program), args.map(quoted)];
}

/**
 * @param {string} program
 * @param {unknown} error
 */
function explained(program, error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error);
  const why = new Map([
    ['ENOENT', 'there is no such program'],
    ['EACCES', 'it may not be executed'],
  ]).get(String(code));
  return `${program} cannot be started: ${why ?? messageOf(error)}`;
}

module.exports = { startApplication };
