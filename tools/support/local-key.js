'use strict';

// The key of a local collector.

/** Any key will do, unless other machines can reach the collector. */
const LOCAL_KEY = 'local';
/** How long the response may take, in milliseconds. */
const PATIENCE_MS = 5000;

/**
 * Whether a collector takes a key. One that other machines can reach takes only its token.
 *
 * @param {string} url its address
 * @param {string} key
 */
async function takesKey(url, key) {
  const response = await fetch(`${url}/api/apikey/login`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return response.status !== 401;
}

module.exports = { LOCAL_KEY, takesKey };
