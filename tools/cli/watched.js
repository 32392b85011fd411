'use strict';

// A running application that `top` watches, by its socket.

const fs = require('node:fs');
const net = require('node:net');
const nodePath = require('node:path');

const { isOwn, socketDirectory } = require('../../js/stats-socket');
const { reportOf } = require('./report');

/** How long an application may take to answer, in milliseconds: its event loop may be busy. */
const PATIENCE_MS = 2000;
/** How long one that did not answer the last time, in milliseconds: it must not stop the clock of the others. */
const SHORT_PATIENCE_MS = 100;
/** The most characters of an answer. */
const MAX_ANSWER = 1_000_000;

/** @typedef {import('./report').Report} Report */

/** A report and when it came, by `performance.now()`. @typedef {{ report: Report, at: number }} Sample */

/**
 * The sockets of applications.
 *
 * @param {string} [pid] of one alone
 * @returns {string[]}
 */
function findSockets(pid) {
  const directory = socketDirectory(process.env.FLUE_BRAINTRUST_TOP);
  try {
    if (!isOwn(directory)) return [];
    return fs
      .readdirSync(directory)
      .filter((name) => /^\d+-[\da-f]{8}\.sock$/.test(name))
      .filter((name) => pid === undefined || name.startsWith(`${Number(pid)}-`))
      .map((name) => nodePath.join(directory, name));
  } catch {
    return [];
  }
}

/** A connection to an application. */
class Watched {
  /** The last two samples. @type {Sample | undefined} */
  last;
  /** @type {Sample | undefined} */
  before;
  /** Whether it did not answer the last time, as its event loop is busy or it is stopped. */
  isSilent = false;
  /** The process id, as the name of the socket has it. */
  pid;
  #path;
  #socket;
  #isOpen = true;
  #text = '';
  /** Who waits for an answer. @type {(() => void) | undefined} */
  #arrived;

  /** @param {string} path of the socket */
  constructor(path) {
    this.#path = path;
    this.pid = Number.parseInt(nodePath.basename(path), 10);
    this.#socket = net.connect(path);
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text) => this.#take(String(text)));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end());
  }

  /**
   * Asks for the counters.
   *
   * @returns {Promise<boolean>} false: it has ended
   */
  async ask() {
    if (!this.#isOpen) return false;
    // The first answer comes unasked.
    if (this.last !== undefined) this.#socket.write('\n');
    const asked = this.last;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, this.isSilent ? SHORT_PATIENCE_MS : PATIENCE_MS);
      this.#arrived = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    this.isSilent = this.#isOpen && this.last === asked;
    return this.#isOpen;
  }

  close() {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  /** @param {string} text */
  #take(text) {
    this.#text += text;
    const end = this.#text.lastIndexOf('\n');
    if (end === -1) {
      if (this.#text.length > MAX_ANSWER) this.close();
      return;
    }
    const line = this.#text.slice(this.#text.lastIndexOf('\n', end - 1) + 1, end);
    this.#text = this.#text.slice(end + 1);
    const report = reportOf(line, this.pid);
    // The line is not a report.
    if (report === undefined) return;
    [this.before, this.last] = [this.last, { report, at: performance.now() }];
    this.#arrived?.();
  }

  /** @param {NodeJS.ErrnoException} [error] */
  #end(error) {
    // Its process was killed, and has left the file.
    if (error?.code === 'ECONNREFUSED') fs.rmSync(this.#path, { force: true });
    this.close();
    this.#arrived?.();
  }
}

module.exports = { Watched, findSockets };
