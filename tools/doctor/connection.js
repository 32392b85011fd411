'use strict';

// The checks of network, login, organisation, project and limits, by one connection of the native part.

const { parse } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');
const { explained } = require('./explain');
const { formatBytes } = require('../support/format');
const { SKIPPED } = require('./finding');
const { redirectOf } = require('./redirect');

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {import('./finding').Known} Known */
/** @typedef {import('../../js/native-types.d.ts').Probe} Probe */

/** The native part's messages on a proxy that requires other credentials, and on a variable that names no proxy. */
const WRONG_CREDENTIALS = /the proxy \S+ (requires|refuses the) credentials/;
const BAD_PROXY = /is not the URL of a proxy|is not a kind of proxy/;

/**
 * @param {Known} known
 * @returns {Promise<Finding>}
 */
async function checkNetwork(known) {
  const { plan, settings } = known;
  if (plan === undefined || settings === undefined) return SKIPPED;
  const probe = (known.probe = await tryConnection(settings));
  const { failure, session, certificateWarning } = probe;
  const way = plan.proxy === null ? '' : ` through the proxy ${plan.proxy}`;

  if (failure !== null && WRONG_CREDENTIALS.test(failure.message)) {
    const advice =
      'Put its user and password into the variable, as http://user:password@host:port, special characters percent-encoded.';
    const detail = `the proxy ${plan.proxy} requires credentials: ${failure.message}`;
    return { status: 'failed', detail, advice };
  }
  if (failure !== null && BAD_PROXY.test(failure.message)) {
    const advice = 'Correct the variable, or unset it. Until then nothing is sent.';
    return { status: 'failed', detail: failure.message, advice };
  }
  if (failure?.step === 'login' && failure.status === null) {
    return explained(failure.message, plan.appUrl, plan.proxy, 'BRAINTRUST_APP_URL');
  }
  if (failure?.step === 'setting up the client') {
    return { status: 'failed', detail: failure.message };
  }
  if (certificateWarning !== null) {
    const advice = 'Correct the variable, or unset it. The other certificates serve.';
    return { status: 'warning', detail: certificateWarning, advice };
  }
  if (session !== null && session.organisation === null) {
    return { status: 'ok', detail: `rows go straight to ${plan.apiUrl}; the test trace tries it` };
  }
  return { status: 'ok', detail: `${plan.appUrl} responds${way}, in ${probe.tookMs} ms` };
}

/**
 * @param {import('../support/destination').Settings} settings
 * @returns {Promise<Probe>}
 */
async function tryConnection(settings) {
  return parse(await loadNative().tryConnection(settings));
}

/** Whether a step before the login has failed. */
const isUnreached = (/** @type {Probe | undefined} */ probe) =>
  probe === undefined ||
  probe.failure?.step === 'setting up the client' ||
  probe.failure?.status === 407 ||
  (probe.failure?.step === 'login' && probe.failure.status === null);

/** The advice after a 402. */
const PAY = '402: payment required. See the plan and the usage of the organisation.';

/**
 * @param {Known} known
 * @returns {Promise<Finding>}
 */
async function checkLogin({ probe, plan }) {
  if (probe === undefined || plan === undefined || isUnreached(probe)) return SKIPPED;
  const { failure, session } = probe;
  if (failure?.step === 'login') {
    return { status: 'failed', ...(await loginFailure(failure, plan)) };
  }
  if (session !== null && session.organisation === null) {
    const detail = 'not needed: BRAINTRUST_API_URL and BRAINTRUST_PROJECT_ID state where traces go';
    return { status: 'skipped', detail };
  }
  return { status: 'ok', detail: 'the key is accepted' };
}

/**
 * @param {import('../../js/native-types.d.ts').ConnectFailure} failure
 * @param {import('../../js/native-types.d.ts').Plan} plan
 */
async function loginFailure({ message, status }, { appUrl }) {
  if (status === 401 || status === 403) {
    return { detail: `the key is not accepted: ${message}`, advice: adviceOnRefusedKey() };
  }
  if (status === 402) return { detail: `the organisation is refused: ${message}`, advice: PAY };
  if (status !== null && status >= 300 && status < 400) {
    const redirect = await redirectOf(appUrl);
    const where = redirect === undefined ? '' : ` to ${redirect.to}`;
    return {
      detail: `${appUrl} redirects${where}, which is not followed: ${message}`,
      advice: redirect?.appUrl
        ? `Set BRAINTRUST_APP_URL to ${redirect.appUrl}.`
        : 'Set BRAINTRUST_APP_URL to the address of Braintrust itself, not to one that leads elsewhere, such as to a sign-in page.',
    };
  }
  if (status !== null && (status === 429 || status >= 500)) {
    const advice = 'Try again later. Meanwhile, an application keeps its traces.';
    return { detail: `the server reports a problem: ${message}`, advice };
  }
  return {
    detail: `${appUrl} is not Braintrust: ${message}`,
    advice: 'Unset BRAINTRUST_APP_URL for the hosted Braintrust, or give the address of your own.',
  };
}

/** What to do about a key that is refused, which may have more in it than the key. */
function adviceOnRefusedKey() {
  const key = process.env.BRAINTRUST_API_KEY ?? '';
  if (/["'`]/.test(key)) {
    return 'BRAINTRUST_API_KEY has quotes, which count as a part of the key: remove them. `docker run --env-file` keeps those of the file.';
  }
  if (/[$<>{}]|=./.test(key)) {
    return 'BRAINTRUST_API_KEY has more than the key, such as its name, or a variable that nothing has replaced: set it to the key alone.';
  }
  return 'Copy the key into BRAINTRUST_API_KEY again; it may be revoked, incomplete, or of another server.';
}

/**
 * @param {Known} known
 * @returns {Finding}
 */
function checkOrganisation({ probe, plan }) {
  if (isUnreached(probe) || probe?.failure?.step === 'login') return SKIPPED;
  if (probe?.failure?.step === 'choosing the organisation') {
    const advice =
      plan?.orgName == null
        ? 'Use a key of an organisation; for your own Braintrust server, also set BRAINTRUST_API_URL.'
        : 'Correct BRAINTRUST_ORG_NAME, or use a key of that organisation.';
    return { status: 'failed', detail: probe.failure.message, advice };
  }
  if (probe?.session == null) return { status: 'ok', detail: 'found' };
  const { organisation } = probe.session;
  if (organisation === null) return { status: 'skipped', detail: 'not needed' };
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
    const advice =
      failure.status === 402
        ? PAY
        : 'The key may not be allowed to create projects: name an existing one.';
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
  const most = `at most ${formatBytes(maxBytes)} in one request`;
  if (limit !== null) return { status: 'ok', detail: most };
  const detail = `the server states none; ${most} is assumed, and what is larger will be cut`;
  return { status: 'warning', detail };
}

module.exports = { checkLimits, checkLogin, checkNetwork, checkOrganisation, checkProject };
