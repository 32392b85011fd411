'use strict';

// Starts the collector of `dev` on a port that is free.

const { startCollector } = require('../collector');
const { messageOf } = require('../../js/json/describe');
const { codeOf } = require('../support/error-code');
const { isCollector, portOwner } = require('../support/port-owner');
const { DEFAULT_PORT, OTHER_PORTS } = require('../support/ports');
const { Failure } = require('../support/usage');

/** @typedef {import('../collector/types').Collector} Collector */
/** @typedef {import('../collector/types').CollectorOptions} CollectorOptions */

/**
 * Starts the collector. Without a port of the user's choice, it takes the default one, or the first of the next ones
 * that is free. Throws a `Failure` when it cannot start.
 *
 * @param {CollectorOptions & { host: string }} options `port`: the user's choice
 * @returns {Promise<{ collector: Collector, moved?: string }>} `moved`: why it is not on the default port
 */
async function listen(options) {
  const { host, port } = options;
  const [first = 0, ...others] = port === undefined ? [DEFAULT_PORT, ...OTHER_PORTS] : [port];
  try {
    return { collector: await startCollector({ ...options, port: first }) };
  } catch (error) {
    if (!isTaken(error)) throw failureOf(error, host, first);
  }
  const owner = await portOwner(host, first);
  if (options.file !== undefined && options.clear === true && (await isCollector(host, first))) {
    // The file may be that of the other one, which writes to it.
    throw new Failure(
      `nothing was cleared, because port ${first} on ${host} is taken by ${owner}: end that first, or name a port with --port`,
    );
  }
  for (const other of others) {
    try {
      const collector = await startCollector({ ...options, port: other });
      return { collector, moved: `port ${first} is taken by ${owner}; listening on ${other}` };
    } catch (error) {
      if (!isTaken(error)) throw failureOf(error, host, other);
    }
  }
  const remedy = 'choose another with --port, or any free one with --port 0';
  const last = others.at(-1);
  const range = last === undefined ? '' : `, and those up to ${last} are, too`;
  throw new Failure(`port ${first} on ${host} is taken by ${owner}${range}; ${remedy}`);
}

/** @param {unknown} error */
const isTaken = (error) => codeOf(error) === 'EADDRINUSE';

/**
 * @param {unknown} error
 * @param {string} host
 * @param {number} port
 */
const failureOf = (error, host, port) =>
  error instanceof Failure ? error : new Failure(explained(error, host, port));

/**
 * @param {unknown} error
 * @param {string} host
 * @param {number} port
 */
function explained(error, host, port) {
  // Of the file, not of the port.
  const isOfPort = /** @type {NodeJS.ErrnoException} */ (error).syscall !== 'open';
  switch (isOfPort ? codeOf(error) : '') {
    case 'EACCES':
      return `port ${port} needs the rights of an administrator; choose one above 1023 with --port`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine; choose one with --host`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not a name of this machine; choose an address with --host`;
    default:
      return `the collector could not start: ${messageOf(error)}`;
  }
}

module.exports = { listen };
