'use strict';

// Ids in addresses. The viewer's page bundles this file, too: it uses nothing of Node.

/**
 * An id as a part of an address. Half of a surrogate pair has no encoding: a sign stands for it.
 *
 * @param {string} id
 * @returns {string}
 */
function encoded(id) {
  return encodeURIComponent(id.replaceAll(/\p{Surrogate}/gu, '\uFFFD'));
}

module.exports = { encoded };
