'use strict';

// Where the login leads that is answered by a redirect, which the native part does not follow.

const LOGIN = '/api/apikey/login';
/** How long the answer is waited for, in milliseconds. */
const PATIENCE_MS = 5000;

/**
 * The address that a server states in place of its own. Asks without the key.
 *
 * @param {string} appUrl
 * @returns {Promise<{ to: string, appUrl?: string } | undefined>} without a query, which may hold secrets; `appUrl` if the
 *   login is there; undefined: Node gets no redirect
 */
async function redirectOf(appUrl) {
  try {
    const response = await fetch(`${appUrl.replace(/\/+$/, '')}${LOGIN}`, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await response.body?.cancel();
    const { origin, pathname } = new URL(response.headers.get('location') ?? '', response.url);
    if (response.status < 300 || response.status > 399) return undefined;
    const to = origin + pathname;
    return { to, ...(to.endsWith(LOGIN) && { appUrl: to.slice(0, -LOGIN.length) }) };
  } catch {
    return undefined;
  }
}

module.exports = { redirectOf };
