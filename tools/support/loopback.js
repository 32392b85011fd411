'use strict';

// The addresses that only this machine can reach.

const { isIP } = require('node:net');

/** As browsers write them: IPv6 in brackets. */
const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Whether only this machine can reach a server that listens on the address.
 *
 * @param {string} host
 */
function isLoopback(host) {
  if (isIP(host) === 4 && host.startsWith('127.')) return true;
  return LOOPBACK_NAMES.has(host.includes(':') ? `[${host}]` : host.toLowerCase());
}

module.exports = { LOOPBACK_NAMES, isLoopback };
