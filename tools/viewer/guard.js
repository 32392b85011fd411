'use strict';

const { isIP } = require('node:net');
const { hostname } = require('node:os');

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Why a request is not for us, if it is not. A web page elsewhere can let its own name point at this
 * machine; the browser then sends that name as `Host`, which alone distinguishes the two.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {string} host the address that the server listens on
 * @returns {{ status: number, message: string } | null} null: serve it
 */
function refusal({ host: given, origin }, host) {
  const name = nameOf(`http://${given ?? ''}`);
  if (name === null || !isOurs(name, host)) {
    return { status: 421, message: `this server is not ${JSON.stringify(given ?? '')}` };
  }
  if (origin !== undefined && origin !== `http://${given}`) {
    return { status: 403, message: 'requests of other web pages are refused' };
  }
  return null;
}

/**
 * @param {string} name as browsers write it: in lower case, IPv6 in brackets
 * @param {string} host
 */
function isOurs(name, host) {
  const listening = host.includes(':') ? `[${host}]` : host;
  if (LOOPBACK_NAMES.has(name) || name === listening.toLowerCase()) return true;
  // Who lets others in has other addresses, too. An address is no name that can be made to point here.
  const isOpen = !LOOPBACK_NAMES.has(listening);
  const address = name.startsWith('[') ? name.slice(1, -1) : name;
  return isOpen && (isIP(address) !== 0 || name === hostname().toLowerCase());
}

/**
 * @param {string} url
 * @returns {string | null}
 */
function nameOf(url) {
  if (!URL.canParse(url)) return null;
  const { hostname: name, pathname, search, username } = new URL(url);
  return pathname === '/' && search === '' && username === '' ? name : null;
}

module.exports = { refusal };
