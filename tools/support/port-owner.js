'use strict';

// Who listens on a port of this machine.

const { execFile } = require('node:child_process');
const { readFile, readdir, readlink } = require('node:fs/promises');
const { promisify } = require('node:util');

/** How long each check may take, in milliseconds. */
const PATIENCE_MS = 1000;
/** How long a collector may take to respond on a busy machine, in milliseconds. A closed port takes no time. */
const COLLECTOR_PATIENCE_MS = 5000;
/** How much of a response is read, in bytes. */
const MAX_BYTES = 65_536;
/** The state of a socket that listens, in `/proc/net/tcp`. */
const LISTENING = '0A';

/**
 * Names what listens on a port, for a message: another `flue-braintrust dev`, a process, or `another program`.
 *
 * @param {string} host
 * @param {number} port
 * @returns {Promise<string>}
 */
async function portOwner(host, port) {
  const [collector, owner] = await Promise.all([
    isCollector(host, port, AbortSignal.timeout(PATIENCE_MS)),
    processOn(port),
  ]);
  const name = collector ? 'another `flue-braintrust dev`' : (owner?.name ?? 'another program');
  return owner === undefined ? name : `${name} (process ${owner.pid})`;
}

/**
 * Whether a local collector listens there.
 *
 * @param {string} host
 * @param {number} port
 * @param {AbortSignal[]} ends each of which ends the check
 */
async function isCollector(host, port, ...ends) {
  const anyAddress = host === '0.0.0.0' || host === '::';
  const name = anyAddress ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(COLLECTOR_PATIENCE_MS), ...ends]);
    const response = await fetch(`http://${name}:${port}/`, { signal, redirect: 'manual' });
    const text = await beginningOf(response);
    return text.includes('/viewer/app.mjs') || text.includes('flue-braintrust dev');
  } catch {
    return false;
  }
}

/** @param {Response} response */
async function beginningOf(response) {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BYTES) break;
  }
  return text;
}

/**
 * @param {number} port
 * @returns {Promise<{ pid: number, name: string } | undefined>} undefined where this user may not know
 */
async function processOn(port) {
  try {
    if (process.platform === 'linux') return await ownerInProc(port);
    if (process.platform !== 'win32') return await ownerByLsof(port);
  } catch {
    // It is only for the message.
  }
  return undefined;
}

/** @param {number} port */
async function ownerInProc(port) {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = new Set(
    tables
      .join('\n')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => state === LISTENING && local.endsWith(`:${wanted}`))
      .map((fields) => `socket:[${fields[9]}]`),
  );
  if (sockets.size === 0) return undefined;
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
      if (!sockets.has(target)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
      return { pid: Number(pid), name };
    }
  }
  return undefined;
}

/** @param {number} port */
async function ownerByLsof(port) {
  const { stdout } = await promisify(execFile)(
    'lsof',
    ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'],
    { timeout: PATIENCE_MS },
  );
  const [, pid] = /^p(\d+)$/m.exec(stdout) ?? [];
  const [, name = 'a process'] = /^c(.+)$/m.exec(stdout) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), name };
}

module.exports = { isCollector, portOwner };
