'use strict';

const { createHash, timingSafeEqual } = require('node:crypto');
const { isIP } = require('node:net');
const { hostname } = require('node:os');

const { LOOPBACK_NAMES } = require('../support/loopback');

/**
 * Why a request is not for us, if it is not. A web page elsewhere can let its own name point at this
 * machine; the browser then sends that name as `Host`, which alone distinguishes the two.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {{ host: string, token: string | undefined }} server the address that it listens on, and what a browser needs
 * @returns {{ status: number, message: string } | null} null: serve it
 */
function refusal({ host: given, origin }, { host, token }) {
  const name = nameOf(`http://${given ?? ''}`);
  // A token protects the server by any name: browsers keep it for the name at which they got it.
  if (name === null || (token === undefined && !isOurs(name, host))) {
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

/**
 * The name of the cookie that a browser gets for the token in the address. It has the port as the browser knows it:
 * browsers send a cookie of a host to all its ports.
 *
 * @param {string | undefined} host the header `Host`
 */
function cookieName(host) {
  const port = /:(\d+)$/.exec(host ?? '')?.[1] ?? '80';
  return `flue-braintrust-token-${port}`;
}

/**
 * Whether a request of a browser has the token, in its address or in the cookie that {@link cookie} sets.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {URLSearchParams} params
 * @param {string} token
 */
function hasToken(headers, params, token) {
  const cookies = (headers.cookie ?? '').split(';').map((one) => one.trim());
  const start = `${cookieName(headers.host)}=`;
  const given = cookies.filter((one) => one.startsWith(start));
  const candidates = [params.get('token') ?? '', ...given.map((one) => one.slice(start.length))];
  return candidates.some((candidate) => isSame(candidate, token));
}

/**
 * The header that lets a browser keep the token for this server.
 *
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {string} token
 */
function cookie({ host }, token) {
  return `${cookieName(host)}=${token}; HttpOnly; SameSite=Strict; Path=/`;
}

/**
 * @param {string} given
 * @param {string} token
 */
function isSame(given, token) {
  const digest = (/** @type {string} */ text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

module.exports = { cookie, hasToken, refusal };
