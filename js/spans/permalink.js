'use strict';

// The address at which Braintrust shows a span, as far as the destination knows it.

const { logsLink, spanLink } = require('../span-link.js');
const { ERR_PERMALINK } = require('./noop.js');

/** @typedef {InstanceType<typeof import('../destination.js').Destination>} Destination */

/** What is known better than the destination does. @typedef {{ appUrl?: string, orgName?: string, projectId?: string, projectName?: string, experimentId?: string }} LinkTarget */

/** The address of a link that cannot be made. @param {string} reason */
const noLink = (reason) => `${ERR_PERMALINK}?msg=${reason}`;

/**
 * The address, without a request.
 * @param {Destination} destination
 * @param {string} id of the row
 * @param {LinkTarget} [known]
 */
function linkTo(destination, id, known) {
  return knownLink(targetOf(destination, known), id) ?? noLink('log-in-or-provide-org-name');
}

/**
 * @param {ReturnType<typeof targetOf>} target
 * @param {string} id of the row
 */
function knownLink({ appUrl, orgName, projectId, projectName, experimentId }, id) {
  if (!appUrl || !orgName) return undefined;
  if (experimentId) return spanLink({ appUrl, organisation: orgName, experimentId }, id);
  if (projectId) return spanLink({ appUrl, organisation: orgName, projectId }, id);
  const logs = logsLink(appUrl, orgName, projectName ?? '');
  return logs && `${logs}?oid=${encodeURIComponent(id)}`;
}

/**
 * The address, once the organisation and the project are known.
 * @param {Destination} destination
 * @param {string} id of the row
 * @param {LinkTarget} [known]
 */
async function permalinkTo(destination, id, known) {
  const { orgName, projectId } = targetOf(destination, known);
  if (!orgName || !projectId) await destination.login.wait();
  // One with a project's id and an address needs no login of its own.
  if (!targetOf(destination, known).orgName && destination.opener)
    await destination.opener.login.wait();
  return linkTo(destination, id, known);
}

/**
 * @param {Destination} destination
 * @param {LinkTarget} [known]
 * @returns {{ appUrl?: string | null, orgName?: string | null, projectId?: string | null, projectName?: string | null, experimentId?: string | null }}
 */
function targetOf(destination, known) {
  const own = destination.traceDestination();
  const orgName = own?.orgName ?? destination.opener?.traceDestination()?.orgName;
  return { ...own, ...(orgName && { orgName }), ...known };
}

module.exports = { linkTo, noLink, permalinkTo };
