'use strict';

// The addresses at which Braintrust shows a span and the logs of a project.

/**
 * The page of one span; without its row, that of what it is in.
 *
 * @param {object} where
 * @param {string} where.appUrl
 * @param {string} where.organisation its name
 * @param {string} [where.projectId]
 * @param {string} [where.experimentId] in place of the logs of a project
 * @param {string} [rowId]
 * @returns {string}
 */
function spanLink({ appUrl, organisation, projectId, experimentId }, rowId) {
  const query = new URLSearchParams({
    object_type: experimentId ? 'experiment' : 'project_logs',
    object_id: experimentId ?? projectId ?? '',
    ...(rowId !== undefined && { id: rowId }),
  });
  return `${appUrl}/app/${encodeURIComponent(organisation)}/object?${query}`;
}

/**
 * The page of the logs of a project that goes by its name.
 *
 * @param {string} appUrl
 * @param {string} organisation its name
 * @param {string} projectName
 * @returns {string}
 */
function logsLink(appUrl, organisation, projectName) {
  return `${appUrl}/app/${encodeURIComponent(organisation)}/p/${encodeURIComponent(projectName)}/logs`;
}

/**
 * An address without slashes at its end, and without what may be secret; undefined if it is none of the web.
 *
 * @param {string} address
 */
function withoutCredentials(address) {
  try {
    const { protocol, origin, pathname } = new URL(address);
    return /^https?:$/.test(protocol) ? origin + pathname.replace(/\/+$/, '') : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { logsLink, spanLink, withoutCredentials };
