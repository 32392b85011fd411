'use strict';

// Answers `flue-braintrust top` with the counters of this process, by a Unix socket that only its user can open.
// Loaded only if `FLUE_BRAINTRUST_TOP` asks for it. Never keeps the process alive, and does work only when asked.

const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');

const { monotonicMs } = require('./builtins/index.js');
const { JSON } = require('./json/own-json.js');

/** The most watchers at a time. */
const MAX_WATCHERS = 4;
/** The shortest time between two answers to a watcher, in milliseconds. */
const MIN_INTERVAL_MS = 50;
/** The longest path of a Unix socket that every system takes, in bytes. */
const MAX_PATH_BYTES = 103;

/**
 * The directory of the sockets.
 * @param {string | undefined} variable `FLUE_BRAINTRUST_TOP`: an absolute path, else one of the user's in the directory
 *   for temporary files
 */
function socketDirectory(variable) {
  if (variable !== undefined && path.isAbsolute(variable)) return variable;
  return path.join(tmpdir(), `flue-braintrust-${process.getuid?.() ?? 0}`);
}

/**
 * Whether a directory is one that only this user can write to, and not a link.
 * @param {string} directory
 */
function isOwn(directory) {
  const found = fs.lstatSync(directory);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

/**
 * Opens the socket.
 * @param {string} variable `FLUE_BRAINTRUST_TOP`
 * @param {() => unknown} read the counters, without secrets
 * @param {(why: string) => void} fail called at most once; without the socket nothing changes
 */
function serveStats(variable, read, fail) {
  try {
    if (process.platform === 'win32') throw new Error('there is no socket for one user on Windows');
    const directory = socketDirectory(variable);
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!isOwn(directory)) throw new Error(`others can write to ${directory}, or it is a link`);
    const name = `${process.pid}-${randomBytes(4).toString('hex')}.sock`;
    const file = path.join(directory, name);
    if (Buffer.byteLength(file) > MAX_PATH_BYTES) throw new Error(`${file} is too long a path`);
    listen(file, read, fail);
  } catch (error) {
    fail(/** @type {Error} */ (error).message);
  }
}

/**
 * @param {string} file
 * @param {() => unknown} read
 * @param {(why: string) => void} fail
 */
function listen(file, read, fail) {
  const server = createServer((socket) => answer(socket, read));
  server.maxConnections = MAX_WATCHERS;
  server.once('error', (error) => fail(error.message));
  // Not by the primary of a cluster, which would report it to the application as its own.
  server.listen({ path: file, exclusive: true }, () => {
    // The directory keeps others out until then.
    fs.chmod(file, 0o600, () => {});
  });
  server.unref();
  // Before the listener that must stay the last one.
  process.prependListener('exit', () => {
    try {
      fs.unlinkSync(file);
    } catch {
      // The directory was cleaned up.
    }
  });
}

/**
 * Sends the counters as a line of JSON at once, and again for whatever the watcher writes.
 * @param {import('node:net').Socket} socket
 * @param {() => unknown} read
 */
function answer(socket, read) {
  let lastAt = -Infinity;
  const send = () => {
    // A watcher that does not read gets nothing more.
    if (socket.writableLength > 0 || monotonicMs() - lastAt < MIN_INTERVAL_MS) return;
    lastAt = monotonicMs();
    try {
      socket.write(`${JSON.stringify(read())}\n`);
    } catch {
      socket.destroy();
    }
  };
  socket.unref();
  socket.on('error', () => socket.destroy());
  socket.on('data', send);
  send();
}

module.exports = { isOwn, serveStats, socketDirectory };
