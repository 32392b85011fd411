'use strict';

// Opens an address in the browser.

const { spawn } = require('node:child_process');

/** What opens an address in the user's browser, by platform. */
const OPENERS = /** @type {Record<string, [string, ...string[]]>} */ ({
  darwin: ['open'],
  // The second argument would be a title.
  win32: ['cmd', '/c', 'start', '""'],
});

/**
 * Opens an address, by the program that `BROWSER` names or that of the desktop. Does not wait for it.
 *
 * @param {string} url
 * @param {() => void} fail called when there is no such program, or it fails
 */
function openBrowser(url, fail) {
  const chosen = process.env.BROWSER;
  if (chosen === 'none') return;
  const [program, ...args] = chosen ? [chosen] : (OPENERS[process.platform] ?? ['xdg-open']);
  try {
    const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
    child.once('error', fail);
    child.once('exit', (code) => {
      if (code !== 0) fail();
    });
    child.unref();
  } catch {
    // Some errors come by an event, and some at once.
    fail();
  }
}

module.exports = { openBrowser };
