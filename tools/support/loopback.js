'use strict';

// The addresses that only this machine can reach.

/** As browsers write them: IPv6 in brackets. */
const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Whether only this machine can reach a server that listens on the address.
 *
 * @param {string} host
 */
function isLoopback(host) {
  const name = host === '::1' ? '[::1]' : host.toLowerCase();
  return LOOPBACK_NAMES.has(name) || /^127(\.\d{1,3}){3}$/.test(name);
}

module.exports = { LOOPBACK_NAMES, isLoopback };
