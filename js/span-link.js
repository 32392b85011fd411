'use strict';

// The address at which Braintrust shows a span.

/**
 * The page of one span.
 *
 * @param {object} where
 * @param {string} where.appUrl
 * @param {string} where.organisation its name
 * @param {string} [where.projectId]
 * @param {string} [where.experimentId] in place of the logs of a project
 * @param {string} rowId
 * @returns {string}
 */
function spanLink({ appUrl, organisation, projectId, experimentId }, rowId) {
  const query = new URLSearchParams({
    object_type: experimentId ? 'experiment' : 'project_logs',
    object_id: experimentId ?? projectId ?? '',
    id: rowId,
  });
  return `${appUrl}/app/${encodeURIComponent(organisation)}/object?${query}`;
}

module.exports = { spanLink };
