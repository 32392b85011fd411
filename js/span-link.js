'use strict';

// The addresses at which Braintrust shows a span and the logs of a project.

/**
 * The page of one span; without its row, that of what it is in. Undefined if the address is not one of the web.
 *
 * @param {object} where
 * @param {string} where.appUrl
 * @param {string} where.organisation its name
 * @param {string} [where.projectId]
 * @param {string} [where.experimentId] in place of the logs of a project
 * @param {string} [rowId]
 * @returns {string | undefined}
 */
function spanLink({ appUrl, organisation, projectId, experimentId }, rowId) {
  const query = new URLSearchParams({
    object_type: experimentId ? 'experiment' : 'project_logs',
    object_id: experimentId ?? projectId ?? '',
    ...(rowId !== undefined && { id: rowId }),
  });
  const base = baseOf(appUrl, organisation);
  return base && `${base}/object?${query}`;
}

/**
 * The page of the logs of a project that goes by its name. Undefined if the address is not one of the web.
 *
 * @param {string} appUrl
 * @param {string} organisation its name
 * @param {string} projectName
 * @returns {string | undefined}
 */
function logsLink(appUrl, organisation, projectName) {
  const base = baseOf(appUrl, organisation);
  return base && `${base}/p/${encodeURIComponent(projectName)}/logs`;
}

/**
 * The address of an organisation, with nothing of the application's that may be secret.
 *
 * @param {string} appUrl
 * @param {string} organisation
 */
function baseOf(appUrl, organisation) {
  try {
    const { protocol, origin, pathname } = new URL(appUrl);
    if (!/^https?:$/.test(protocol)) return undefined;
    return `${origin}${pathname.replace(/\/+$/, '')}/app/${encodeURIComponent(organisation)}`;
  } catch {
    return undefined;
  }
}

module.exports = { logsLink, spanLink };
