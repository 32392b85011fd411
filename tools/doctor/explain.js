'use strict';

// Why there is no connection: name, port, proxy or certificate.

const dns = require('node:dns/promises');
const net = require('node:net');
const tls = require('node:tls');

const { isLoopback } = require('../support/loopback');
const { isCollector } = require('../support/port-owner');
const { DEFAULT_PORT, OTHER_PORTS } = require('../support/ports');
const { sourceOf } = require('./sources');

/** How long each step of the explanation may take, in milliseconds. */
const PATIENCE_MS = 5000;

/**
 * Where a connection fails.
 *
 * @typedef {object} Explanation
 * @property {string} finding
 * @property {string} advice
 */

/** Node's codes for certificates that it does not trust, in words. */
const CERTIFICATES = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate comes from an authority that is not trusted here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate comes from an unknown authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate comes from an unknown authority'],
]);
const TRUST =
  'If that server is yours, or a proxy of your company inspects the traffic, name the certificate of its ' +
  'authority, as a PEM file, in NODE_EXTRA_CA_CERTS.';

/** The native part's message on a certificate that it does not trust. */
const UNTRUSTED = /invalid peer certificate: (.*)/;
/** Its messages on a server that has accepted the connection. */
const [SILENT, BROKEN] = [/no response in time/, /the connection broke/];

/**
 * Diagnoses with Node's own network functions why the native part failed to connect: name, connection and
 * certificate, one after the other. Sends no request.
 *
 * @param {string} url the address that it did not reach
 * @param {string | null} proxy the proxy on the way, if there is one
 * @param {string} variable the variable that names `url`
 * @param {string} message of the native part
 * @returns {Promise<Explanation>}
 */
async function explain(url, proxy, variable, message) {
  const target = new URL(proxy ?? url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
  const who = proxy === null ? variable : 'HTTPS_PROXY, HTTP_PROXY or ALL_PROXY';

  try {
    await dns.lookup(host);
  } catch (error) {
    const isDefault = proxy === null && sourceOf(variable).source === 'default';
    return {
      finding: `the name ${host} cannot be resolved (${codeOrMessage(error)})`,
      advice: isDefault
        ? 'Check that this machine is online and may look names up; if it needs a proxy, set HTTPS_PROXY.'
        : `Check the spelling in ${who}, and that this machine may look names up.`,
    };
  }
  const distrust = UNTRUSTED.exec(message)?.[1];
  const connected = await attempt(() => net.connect({ host, port }), 'connect');
  if (connected !== undefined) {
    if (proxy === null && connected === 'ECONNREFUSED' && isLoopback(host)) {
      return notRunning(`${host}:${port}`, who);
    }
    return unconnected(connected, `${proxy === null ? '' : 'the proxy '}${host}:${port}`, who);
  }
  if (proxy !== null && distrust !== undefined) {
    return { finding: `the certificate behind the proxy: ${distrust}`, advice: TRUST };
  }
  if (proxy !== null) {
    return {
      finding: `the proxy at ${target.host} can be reached, but does not connect to ${new URL(url).host}`,
      advice: `Allow the host in the proxy, correct ${who}, or exclude the host with NO_PROXY.`,
    };
  }
  if (target.protocol !== 'https:') return unanswered(message, target, variable);
  const servername = net.isIP(host) === 0 ? host : undefined;
  const secured = await attempt(() => tls.connect({ host, port, servername }), 'secureConnect');
  return secured === undefined
    ? unanswered(message, target, variable)
    : unsecured(secured, target, variable);
}

/**
 * Nothing listens on this machine, where only a local collector would.
 *
 * @param {string} at
 * @param {string} who
 * @returns {Promise<Explanation>}
 */
async function notRunning(at, who) {
  const finding = `nothing listens at ${at}: \`flue-braintrust dev\` is not running there`;
  const running = await runningCollector();
  if (running !== undefined) {
    return { finding, advice: `It runs at ${running}: set ${who} to that address.` };
  }
  const start = 'Start it, best with the application: `npx flue-braintrust dev -- npm run dev`';
  return { finding, advice: `${start}. For Braintrust itself, unset ${who}.` };
}

/**
 * The first local collector that responds on one of the ports of `dev`.
 *
 * @returns {Promise<string | undefined>} its address
 */
async function runningCollector() {
  const end = new AbortController();
  const looks = [DEFAULT_PORT, ...OTHER_PORTS].map(async (port) => {
    if (await isCollector('127.0.0.1', port, end.signal)) return `http://127.0.0.1:${port}`;
    throw new Error('no collector');
  });
  const found = await Promise.any(looks).catch(() => undefined);
  // An open connection would keep this process alive.
  end.abort();
  return found;
}

/**
 * @param {string} code
 * @param {string} at
 * @param {string} who
 * @returns {Explanation}
 */
function unconnected(code, at, who) {
  if (code === 'ECONNREFUSED') {
    return { finding: `nothing listens at ${at}`, advice: `Start the server, or correct ${who}.` };
  }
  return {
    finding: `no connection to ${at} (${code})`,
    advice: `A firewall may be in between. If there is a proxy, set HTTPS_PROXY; else check ${who}.`,
  };
}

/**
 * @param {string} code
 * @param {URL} target
 * @param {string} variable
 * @returns {Explanation}
 */
function unsecured(code, target, variable) {
  const untrusted = CERTIFICATES.get(code);
  if (untrusted !== undefined) {
    return { finding: `${target.host}: ${untrusted}`, advice: TRUST };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const advice = "Renew it, or set this machine's clock.";
    return { finding: `the certificate of ${target.host} is not valid now`, advice };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const finding = `the certificate of ${target.host} is for another name`;
    return { finding, advice: `Use that name in ${variable}.` };
  }
  return {
    finding: `${target.host} does not speak TLS properly (${code})`,
    advice: `Should the address in ${variable} begin with http: instead of https:?`,
  };
}

/**
 * Node can connect, too; it sends no request.
 *
 * @param {string} message
 * @param {URL} target
 * @param {string} variable
 * @returns {Explanation}
 */
function unanswered(message, target, variable) {
  if (SILENT.test(message)) {
    return {
      finding: `${target.host} accepts the connection, but sends no response in time`,
      advice: `Try again later. Is the address in ${variable} right? FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS sets the time.`,
    };
  }
  if (BROKEN.test(message)) {
    return {
      finding: `${target.host} accepts the connection, but sends no HTTP response`,
      advice: `Is the address in ${variable} right, with its port and with http: or https:?`,
    };
  }
  const distrust = UNTRUSTED.exec(message)?.[1];
  if (distrust !== undefined) {
    const finding = `Node trusts the certificate, the native part does not: ${distrust}`;
    return { finding, advice: TRUST };
  }
  if (/alert: HandshakeFailure|NoCipherSuites|peer is incompatible/i.test(message)) {
    const finding = 'the server offers no TLS that the native part speaks';
    const advice =
      'It needs TLS 1.3, or 1.2 with ECDHE, and a certificate of RSA 2048 or more, P-256, P-384 or Ed25519.';
    return { finding, advice };
  }
  const advice = 'Node itself gets through: try again, and if it stays so, please report it.';
  return { finding: 'the connection breaks off', advice };
}

/**
 * Makes a connection and drops it.
 *
 * @param {() => net.Socket} connect
 * @param {string} event the event of an established connection
 * @returns {Promise<string | undefined>} why it does not
 */
function attempt(connect, event) {
  return new Promise((resolve) => {
    const socket = connect();
    /** @param {string} [code] */
    const done = (code) => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(PATIENCE_MS, () => done('ETIMEDOUT'));
    socket.once(event, () => done());
    socket.once('error', (error) => done(codeOrMessage(error)));
    socket.once('close', () => done('the connection was closed'));
  });
}

/** @param {unknown} error */
function codeOrMessage(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code ?? message;
}

/**
 * A failed check: the native part's message, and Node's diagnosis of it.
 *
 * @param {string} message
 * @param {string} url
 * @param {string | null} proxy
 * @param {string} variable
 * @returns {Promise<import('./finding').Finding>}
 */
async function explained(message, url, proxy, variable) {
  const { finding, advice } = await explain(url, proxy, variable, message);
  return { status: 'failed', detail: `${finding}. The attempt: ${message}`, advice };
}

module.exports = { explained, runningCollector };
