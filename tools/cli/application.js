'use strict';

// The application that `dev` starts: a child process with the terminal of this one.

const { spawn, spawnSync } = require('node:child_process');
const { constants } = require('node:os');
const { setTimeout: delay } = require('node:timers/promises');

const { messageOf } = require('../../js/json/json-safe-copy');
const { Failure } = require('../support/usage');
const { descendantsOf, isRunning, send } = require('./process-tree');

/** When an application that still runs gets SIGTERM, and when it is killed: milliseconds after the request to stop. */
const [TERM_AFTER_MS, KILL_AFTER_MS] = [2500, 5000];
/** How often it is looked whether all its processes have ended, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** A running application, and the processes that it has started. */
class Application {
  #child;
  /** The processes that were asked to end. @type {Set<number>} */
  #asked = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isKilled = false;
  /** Resolves with its exit code when it has ended: as in a shell, 128 and the number of the signal that ended it. */
  ended;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
    /** @type {Promise<number>} */
    const exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
    this.ended = exited.then(async (code) => {
      // `npm run` and shells do not pass on each signal, and may end before what they have started.
      while ([...this.#asked].some(isRunning)) await delay(LOOK_EVERY_MS);
      clearTimeout(this.#timer);
      return code;
    });
  }

  /** Whether it had to be killed. */
  get isKilled() {
    return this.#isKilled;
  }

  /**
   * Asks all its processes to end, as the terminal does on Ctrl-C, once more after a while, and kills those that have not
   * ended after five seconds.
   *
   * @param {NodeJS.Signals} signal
   */
  stop(signal) {
    const processes = this.#processes();
    for (const pid of processes) this.#asked.add(pid);
    // On Ctrl-C the terminal has sent the signal to them already, and many take a second one for impatience.
    const haveIt = signal === 'SIGINT' && process.stdin.isTTY === true;
    if (!haveIt) this.#send(signal, processes);
    this.#timer = setTimeout(() => {
      if (signal !== 'SIGTERM') this.#send('SIGTERM', this.#processes());
      this.#timer = setTimeout(() => this.kill(), KILL_AFTER_MS - TERM_AFTER_MS);
    }, TERM_AFTER_MS);
  }

  /** Ends it and the processes that it has started, whatever they do. */
  kill() {
    const { pid } = this.#child;
    if (process.platform === 'win32' && pid !== undefined) {
      spawnSync('taskkill', ['/pid', String(pid), '/t', '/f']);
    }
    this.#isKilled = true;
    this.#send('SIGKILL', this.#processes());
  }

  /** Those that run: of an earlier request, too, whose parents may have ended. */
  #processes() {
    const { pid } = this.#child;
    const below = pid === undefined ? [] : descendantsOf(pid);
    return new Set([...[...this.#asked].filter(isRunning), ...below]);
  }

  /**
   * @param {NodeJS.Signals} signal
   * @param {Set<number>} processes
   */
  #send(signal, processes) {
    for (const pid of processes) send(pid, signal);
    this.#child.kill(signal);
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
  // Also when this process ends by an error of its own.
  process.once('exit', () => {
    if (child.exitCode === null && child.signalCode === null) child.kill();
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
