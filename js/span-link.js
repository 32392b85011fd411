'use strict';

// The address at which Braintrust shows a span.

/**
 * The page of one span.
 *
 * @param {object} where
 * @param {string} where.appUrl
 * @param {string} where.organisation its name
 * @param {string} where.projectId
 * @param {string} rowId
 * @returns {string}
 */
function spanLink({ appUrl, organisation, projectId }, rowId) {
  const query = new URLSearchParams({
    object_type: 'project_logs',
    object_id: projectId,
    id: rowId,
  });
  return `${appUrl}/app/${encodeURIComponent(organisation)}/object?${query}`;
}

module.exports = { spanLink };
