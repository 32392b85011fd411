'use strict';

// What a Cloudflare Worker forbids where no request runs, such as at the top level of its modules.

/**
 * Where something was done, for a message; undefined if an error has another cause.
 * @param {unknown} error
 */
function outsideOfRequest(error) {
  const isIt = error instanceof Error && /within global scope/.test(error.message);
  return isIt ? 'outside of a request, where Cloudflare allows no random values' : undefined;
}

module.exports = { outsideOfRequest };
