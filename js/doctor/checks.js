'use strict';

const { existsSync, readFileSync } = require('node:fs');
const { parseEnv } = require('node:util');

const { engines } = require('../../package.json');
const { messageOf, settingsOf } = require('../cli/destination');
const { FILE_VARIABLES, nearestFile } = require('../environment');
const { loadNative } = require('../native-loader');
const { explain } = require('./explain');
const { spanLink } = require('./links');
const { sendTestTrace } = require('./test-trace');

/** The longest to wait for the test trace, in milliseconds. */
const TRACE_TIMEOUT_MS = 15_000;
const MIB = 1024 * 1024;

/**
 * What one check found.
 *
 * @typedef {object} Finding
 * @property {'ok' | 'warning' | 'failed' | 'skipped'} status
 * @property {string} detail
 * @property {string} [advice] what to do
 * @property {string} [link] of the test trace
 */

/**
 * What came of trying to connect, as the native part tells it.
 *
 * @typedef {object} Probe
 * @property {Place | null} session
 * @property {{ step: string, message: string, status: number | null } | null} failure
 * @property {string | null} complaint about NODE_EXTRA_CA_CERTS
 * @property {number} tookMs
 */

/** @typedef {{ organisation: string | null, projectId: string, apiUrl: string, proxy: string | null, limit: number | null, maxBytes: number }} Place */

/**
 * What the checks learn on their way.
 *
 * @typedef {object} Known
 * @property {boolean} [native] whether the native part is there
 * @property {string} [settings]
 * @property {import('../cli/destination').Plan} [plan]
 * @property {Probe} [probe]
 */

/** @typedef {{ id: string, title: string, run: (known: Known) => Finding | Promise<Finding> }} Check */

/** @type {Finding} */
const SKIPPED = { status: 'skipped', detail: 'not tried, because of what is wrong above' };

/** In their order; each builds on those before. @type {Check[]} */
const CHECKS = [
  { id: 'node', title: 'Node', run: checkNode },
  { id: 'native', title: 'Native part', run: checkNative },
  { id: 'environment', title: 'Settings', run: checkSettings },
  { id: 'network', title: 'Network', run: checkNetwork },
  { id: 'login', title: 'Login', run: checkLogin },
  { id: 'organisation', title: 'Organisation', run: checkOrganisation },
  { id: 'project', title: 'Project', run: checkProject },
  { id: 'limits', title: 'Limits', run: checkLimits },
  { id: 'trace', title: 'Test trace', run: checkTrace },
];

/** @returns {Finding} */
function checkNode() {
  const { node } = process.versions;
  const needed = engines.node.replace(/[^\d.]/g, '');
  if (node.localeCompare(needed, 'en', { numeric: true }) >= 0) {
    return { status: 'ok', detail: node };
  }
  const detail = `${node} is too old; Flue needs ${needed} or newer`;
  return { status: 'failed', detail, advice: 'Install a newer Node from https://nodejs.org.' };
}

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkNative(known) {
  try {
    loadNative();
    known.native = true;
    return { status: 'ok', detail: `loaded for ${process.platform}-${process.arch}` };
  } catch (error) {
    const advice =
      'Install again without `--omit=optional`, on the very platform that the application runs on.';
    return { status: 'failed', detail: messageOf(error), advice };
  }
}

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkSettings(known) {
  if (known.native !== true) return SKIPPED;
  try {
    known.settings = settingsOf();
    known.plan = JSON.parse(loadNative().plan(known.settings));
  } catch (error) {
    return { status: 'failed', detail: messageOf(error), advice: keyElsewhere() ?? sources() };
  }
  const file = nearestFile();
  if (file.error !== undefined) {
    const detail = `${file.path} cannot be read (${file.error.message}), and is left out`;
    return { status: 'warning', detail, advice: 'Make the file readable, or remove it.' };
  }
  return { status: 'ok', detail: sources() };
}

/** Which variables are set, and where. Not what to. */
function sources() {
  const given = (/** @type {NodeJS.Dict<string>} */ variables) =>
    FILE_VARIABLES.filter((name) => (variables[name] ?? '').trim() !== '');
  const set = given(process.env);
  const file = nearestFile();
  const parts = [`in the environment: ${list(set)}`];
  if (file.path !== undefined) {
    parts.push(`in ${file.path}: ${list(given(file.variables).filter((n) => !set.includes(n)))}`);
  }
  return parts.join('; ');
}

/** @param {string[]} names */
const list = (names) => names.join(', ') || 'nothing';

/** Many keep the key in `.env`, which Flue reads and we do not. */
function keyElsewhere() {
  if (!existsSync('.env')) return undefined;
  try {
    if (!parseEnv(readFileSync('.env', 'utf8')).BRAINTRUST_API_KEY) return undefined;
  } catch {
    return undefined;
  }
  return '.env has a key, which only Flue reads: try `flue-braintrust doctor --env-file .env`.';
}

/**
 * @param {Known} known
 * @returns {Promise<Finding>}
 */
async function checkNetwork(known) {
  const { plan, settings } = known;
  if (plan === undefined || settings === undefined) return SKIPPED;
  const probe = (known.probe = await tryConnection(settings));
  const { failure, session, complaint } = probe;
  const way = plan.proxy === null ? '' : ` through the proxy ${plan.proxy}`;

  // A tunnel that is refused has no answer of its own.
  if (failure?.status === 407 || /proxy authorization required/.test(failure?.message ?? '')) {
    const advice = 'Put its user and password into HTTPS_PROXY, as http://user:password@host:port.';
    const detail = `the proxy ${plan.proxy} wants credentials: ${failure?.message}`;
    return { status: 'failed', detail, advice };
  }
  if (failure?.step === 'login' && failure.status === null) {
    return explained(failure.message, plan.appUrl, plan.proxy, 'BRAINTRUST_APP_URL');
  }
  if (failure?.step === 'setting up the client') {
    return { status: 'failed', detail: failure.message };
  }
  if (complaint !== null) {
    const advice = 'Correct the path, or unset the variable. The usual certificates serve.';
    return { status: 'warning', detail: complaint, advice };
  }
  if (session !== null && session.organisation === null) {
    return { status: 'ok', detail: `nothing to ask ${plan.appUrl} for` };
  }
  return { status: 'ok', detail: `${plan.appUrl} answers${way}` };
}

/**
 * @param {string} settings
 * @returns {Promise<Probe>}
 */
async function tryConnection(settings) {
  return JSON.parse(await loadNative().tryConnection(settings));
}

/**
 * What the native part said, and what Node finds out about it.
 *
 * @param {string} message
 * @param {string} url
 * @param {string | null} proxy
 * @param {string} variable
 * @returns {Promise<Finding>}
 */
async function explained(message, url, proxy, variable) {
  const { finding, advice } = await explain(url, proxy, variable);
  return { status: 'failed', detail: `${finding}. The attempt: ${message}`, advice };
}

/** Whether a step before the login has failed. */
const isUnreached = (/** @type {Probe | undefined} */ probe) =>
  probe === undefined ||
  probe.failure?.step === 'setting up the client' ||
  probe.failure?.status === 407 ||
  (probe.failure?.step === 'login' && probe.failure.status === null);

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkLogin({ probe, plan }) {
  if (probe === undefined || plan === undefined || isUnreached(probe)) return SKIPPED;
  const { failure, session } = probe;
  if (failure?.step === 'login') return { status: 'failed', ...loginFailure(failure, plan) };
  if (session !== null && session.organisation === null) {
    const detail = 'not needed: BRAINTRUST_API_URL and BRAINTRUST_PROJECT_ID say where traces go';
    return { status: 'skipped', detail };
  }
  return { status: 'ok', detail: 'the key is accepted' };
}

/**
 * @param {{ message: string, status: number | null }} failure
 * @param {import('../cli/destination').Plan} plan
 */
function loginFailure({ message, status }, { appUrl }) {
  if (status === 401 || status === 403) {
    return {
      detail: `the key is not accepted: ${message}`,
      advice:
        'Copy the key anew into BRAINTRUST_API_KEY; it may be revoked, cut off, or of another server.',
    };
  }
  if (status !== null && (status === 429 || status >= 500)) {
    const advice = 'Try again later. An application keeps its traces meanwhile.';
    return { detail: `the server has trouble: ${message}`, advice };
  }
  return {
    detail: `${appUrl} is not Braintrust: ${message}`,
    advice: 'Unset BRAINTRUST_APP_URL for the hosted Braintrust, or give the address of your own.',
  };
}

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkOrganisation({ probe, plan }) {
  if (isUnreached(probe) || probe?.failure?.step === 'login') return SKIPPED;
  if (probe?.failure?.step === 'choosing the organisation') {
    const advice = 'Correct BRAINTRUST_ORG_NAME, or take a key of that organisation.';
    return { status: 'failed', detail: probe.failure.message, advice };
  }
  if (probe?.session == null) return { status: 'ok', detail: 'found' };
  const { organisation } = probe.session;
  if (organisation === null) return { status: 'skipped', detail: 'not needed either' };
  const why = plan?.orgName === null ? ', the first that the key opens' : '';
  return { status: 'ok', detail: `${organisation}${why}` };
}

/**
 * @param {Known} known
 * @returns {Promise<Finding>}
 */
async function checkProject({ probe, plan }) {
  if (plan === undefined || probe === undefined || isUnreached(probe)) return SKIPPED;
  const { failure, session } = probe;
  if (failure?.step === 'registering the project') {
    if (failure.status === null) {
      return explained(failure.message, plan.appUrl, plan.proxy, 'BRAINTRUST_APP_URL');
    }
    const advice = 'The key may lack the right to create projects: name an existing one.';
    return { status: 'failed', detail: failure.message, advice };
  }
  if (session === null) return SKIPPED;
  const name = plan.projectId === null ? `${plan.projectName} (${session.projectId})` : null;
  return { status: 'ok', detail: name ?? `${session.projectId}, as given; not looked up` };
}

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkLimits({ probe }) {
  if (!probe?.session) return SKIPPED;
  const { limit, maxBytes } = probe.session;
  const most = `at most ${(maxBytes / MIB).toFixed(1)} MiB in one request`;
  if (limit !== null) return { status: 'ok', detail: most };
  const detail = `the server tells none; ${most} is assumed, and what is larger will be cut`;
  return { status: 'warning', detail };
}

/**
 * @param {Known} known
 * @returns {Promise<Finding>}
 */
async function checkTrace({ probe, plan, settings }) {
  if (!probe?.session || plan === undefined || settings === undefined) return SKIPPED;
  const { session } = probe;
  const timeout = Math.min(TRACE_TIMEOUT_MS, plan.requestTimeoutMs);
  const sent = await sendTestTrace(settings, timeout);
  if (sent.error !== null) return traceFailure(sent.error, session);

  const detail = `arrived in ${sent.tookMs} ms; trace ${sent.traceId}`;
  const organisation = session.organisation ?? plan.orgName;
  if (organisation === null) return { status: 'ok', detail };
  const where = { appUrl: plan.appUrl, organisation, projectId: session.projectId };
  return { status: 'ok', detail, link: spanLink(where, sent.rowId) };
}

/**
 * @param {string} message
 * @param {Place} session
 * @returns {Promise<Finding>}
 */
async function traceFailure(message, { apiUrl, proxy }) {
  if (/answered 40[13]/.test(message)) {
    const advice = 'The key may read but not write, or BRAINTRUST_PROJECT_ID is not yours.';
    return { status: 'failed', detail: `it is refused: ${message}`, advice };
  }
  if (/answered \d/.test(message)) {
    const advice = 'Is the address in BRAINTRUST_API_URL right? Unset, the login tells it.';
    return { status: 'failed', detail: message, advice };
  }
  return explained(message, apiUrl, proxy, 'BRAINTRUST_API_URL');
}

module.exports = { CHECKS };
