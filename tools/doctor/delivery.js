'use strict';

// The last check: sends a trace of one span and waits for its delivery.

const { spanLink } = require('../../js/span-link');
const { explained } = require('./explain');
const { SKIPPED } = require('./finding');
const { sendTestTrace } = require('./test-trace');

/** The longest to wait for the test trace, in milliseconds. */
const TRACE_TIMEOUT_MS = 15_000;

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {import('./finding').Known} Known */
/** @typedef {import('../../js/native-types.d.ts').Session} Session */

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
  const link = spanLink(where, sent.rowId);
  return { status: 'ok', detail, ...(link && { link }) };
}

/**
 * @param {string} message
 * @param {Session} session
 * @returns {Promise<Finding>}
 */
async function traceFailure(message, { apiUrl, proxy }) {
  if (/answered 40[13]/.test(message)) {
    const advice = 'The key may read but not write, or BRAINTRUST_PROJECT_ID is not yours.';
    return { status: 'failed', detail: `it is refused: ${message}`, advice };
  }
  if (/answered \d/.test(message)) {
    const advice =
      'Check the address in BRAINTRUST_API_URL, or unset it: the login then states it.';
    return { status: 'failed', detail: message, advice };
  }
  return explained(message, apiUrl, proxy, 'BRAINTRUST_API_URL');
}

module.exports = { checkTrace };
