'use strict';

// The application that `dev` starts: a child process with the terminal of this one.

const { spawn, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const { constants } = require('node:os');
const { setTimeout: delay } = require('node:timers/promises');

const { messageOf } = require('../../js/json/describe');
const { shorten } = require('../collector/text');
const { codeOf } = require('../support/error-code');
const { Failure } = require('../support/usage');
const { Family, MARK } = require('./family');
const { send } = require('./process-tree');

/** When an application that still runs gets SIGTERM, and when it is killed: milliseconds after the request to stop. */
const [TERM_AFTER_MS, KILL_AFTER_MS] = [2500, 5000];
/** How long killed processes may take to end, in milliseconds. Those that `sudo` runs as another user never do. */
const GIVE_UP_AFTER_MS = 1000;
/** How often the application checks whether all its processes have ended, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** A running application, and the processes that it has started. */
class Application {
  #child;
  #family;
  /** The processes that had SIGTERM. @type {Set<number>} */
  #asked = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isStopping = false;
  #isKilled = false;
  /** Aborted when nothing more can be done. */
  #givenUp = new AbortController();
  /**
   * Resolves with its exit code when it has ended: as in a shell, 128 and the number of the signal that ended it. That of
   * SIGKILL if it cannot be killed.
   */
  ended;

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} mark see `Family`
   */
  constructor(child, mark) {
    this.#child = child;
    this.#family = new Family(child.pid ?? -1, mark);
    /** @type {Promise<number>} */
    const exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
      this.#givenUp.signal.addEventListener('abort', () => {
        child.unref();
        resolve(128 + constants.signals.SIGKILL);
      });
    });
    this.ended = exited.then(async (code) => {
      // `npm run` and shells do not pass on each signal, and may end before what they have started. What they start
      // while they end is waited for, too.
      while (this.#isStopping && !this.#isGivenUp && this.#family.members().length > 0) {
        if (this.#isKilled) this.#send('SIGKILL');
        await delay(LOOK_EVERY_MS);
      }
      clearTimeout(this.#timer);
      return code;
    });
  }

  get #isGivenUp() {
    return this.#givenUp.signal.aborted;
  }

  /** The ids of its processes that could not be killed. @returns {number[]} */
  get survivors() {
    if (!this.#isGivenUp) return [];
    const { pid } = this.#child;
    const first = pid !== undefined && this.#isRunning ? [pid] : [];
    return [...first, ...this.#family.members()];
  }

  /** Whether its first process runs. */
  get #isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether it had to be killed. */
  get isKilled() {
    return this.#isKilled;
  }

  /**
   * Asks all its processes to end, as the terminal does on Ctrl-C, once more after a while, and kills those that have not
   * ended after five seconds. Those that it starts meanwhile, such as one that cleans up, have until then.
   *
   * @param {NodeJS.Signals} signal
   */
  stop(signal) {
    this.#isStopping = true;
    // On Ctrl-C the terminal has sent the signal to them already, and many take a second one for impatience.
    const haveIt = signal === 'SIGINT' && process.stdin.isTTY === true;
    if (haveIt) this.#family.members();
    else this.#send(signal);
    this.#timer = setTimeout(() => {
      this.#send('SIGTERM');
      this.#timer = setTimeout(() => this.kill(), KILL_AFTER_MS - TERM_AFTER_MS);
    }, TERM_AFTER_MS);
  }

  /** Asks all its processes to end, if it runs, and waits for nothing. On Windows, which cannot ask, it ends them. */
  leave() {
    if (this.#isRunning) this.#send(isWindows() ? 'SIGKILL' : 'SIGTERM');
  }

  /** Ends it and the processes that it has started, whatever they do. */
  kill() {
    this.#isStopping = true;
    if (!this.#isKilled) setTimeout(() => this.#givenUp.abort(), GIVE_UP_AFTER_MS).unref();
    this.#isKilled = true;
    this.#send('SIGKILL');
  }

  /**
   * Sends a signal to all its processes; SIGTERM once to each. On Windows any signal would end the shell at once and leave
   * what it has started, so that none is sent there: the console sends Ctrl-C to all of them.
   *
   * @param {NodeJS.Signals} signal
   */
  #send(signal) {
    const { pid: first = -1 } = this.#child;
    if (isWindows()) {
      if (signal !== 'SIGKILL') return;
      // Below a shell that has ended, nothing is found any more.
      spawnSync('taskkill', ['/pid', String(first), '/t', '/f']);
    }
    for (const pid of [...this.#family.members(), first]) {
      if (signal === 'SIGTERM' && this.#asked.has(pid)) continue;
      if (signal === 'SIGTERM') this.#asked.add(pid);
      if (pid === first) this.#child.kill(signal);
      else send(pid, signal);
    }
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
  const mark = `${process.pid}-${randomBytes(8).toString('hex')}`;
  const child = spawned(program, args, { ...env, [MARK]: mark });
  const application = new Application(child, mark);
  await new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', (error) => reject(startFailure(program, error)));
  });
  // Also when this process ends by an error of its own.
  process.once('exit', () => application.leave());
  // Later errors are those of signals that it cannot get any more.
  child.on('error', () => {});
  return application;
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {import('node:child_process').ChildProcess} which may still fail to start
 */
function spawned(program, args, env) {
  try {
    return spawn(...commandFor(program, args), { stdio: 'inherit', env, ...shellFor() });
  } catch (error) {
    // Some errors come by an event, and some at once.
    throw startFailure(program, error);
  }
}

const isWindows = () => process.platform === 'win32';

/** On Windows, `npm` and other commands are scripts, which only a shell starts. */
const shellFor = () => (isWindows() ? { shell: true } : {});

/**
 * @param {string} program
 * @param {string[]} args
 * @returns {[program: string, args: string[]]}
 */
function commandFor(program, args) {
  if (!isWindows()) return [program, args];
  const quoted = (/** @type {string} */ word) =>
    /^[\w./:=@\\-]+$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`;
  return [quoted(program), args.map(quoted)];
}

/** The most columns of the name of a program in a message. */
const MAX_NAME = 200;
/** Why a program cannot be started. */
const REASONS = new Map([
  ['ENOENT', 'there is no such program'],
  ['EACCES', 'it may not be executed'],
  ['EPERM', 'it may not be executed'],
  ['ENOTDIR', 'a part of its path is not a directory'],
  ['E2BIG', 'its arguments are too long'],
]);

/**
 * @param {string} program
 * @param {unknown} error
 * @returns {InstanceType<typeof Failure>} with the exit code of a shell: 127 for a program that is not there, else 126
 */
function startFailure(program, error) {
  const code = codeOf(error);
  // Node refuses an empty name by itself.
  const isMissing = code === 'ENOENT' || program === '';
  const why = isMissing ? REASONS.get('ENOENT') : (REASONS.get(code) ?? messageOf(error));
  const name = program === '' ? 'a program without a name' : shorten(program, MAX_NAME);
  const hint = isMissing ? hintOn(program) : '';
  return new Failure(`${name} cannot be started: ${why}${hint}`, isMissing ? 127 : 126);
}

/**
 * What was probably meant by the name of a program that is not there: no shell splits it, or sets variables.
 *
 * @param {string} program
 */
function hintOn(program) {
  if (/^\w+=/.test(program)) return '. Set variables before `npx`, not after `--`';
  if (/^[^\s/\\]+\s/.test(program)) return '. Write the command without quotes around it';
  return '';
}

module.exports = { startApplication };
