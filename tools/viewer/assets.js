'use strict';

// The files of the viewer's page, and the headers that they are served with.

const { readFile } = require('node:fs/promises');
const { join } = require('node:path');

/** Where `scripts/bundle-viewer.mjs` writes the page. */
const BUNDLE = join(__dirname, 'bundle');

/**
 * Every file that is served. A path that is not a key here is not served, whatever it looks like.
 *
 * @type {Map<string, { type: string, name: string }>}
 */
const ASSETS = new Map([
  ['/viewer/app.mjs', { type: 'text/javascript; charset=utf-8', name: 'app.mjs' }],
  ['/viewer/style.css', { type: 'text/css; charset=utf-8', name: 'style.css' }],
  ['/viewer/icon.svg', { type: 'image/svg+xml', name: 'icon.svg' }],
]);

const SECURITY = {
  'content-security-policy': [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'`,
    `img-src 'self'`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
};

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Traces</title>
<link rel="icon" href="/viewer/icon.svg">
<link rel="stylesheet" href="/viewer/style.css">
<script type="module" src="/viewer/app.mjs"></script>
<body><noscript>The traces are drawn by a script. Please allow scripts for this address.</noscript>
`;

/**
 * @param {string} path
 * @returns {Promise<{ type: string, body: string | Buffer } | undefined>} undefined: there is no such file
 */
async function readAsset(path) {
  if (path === '/') return { type: 'text/html; charset=utf-8', body: HTML };
  const found = ASSETS.get(path);
  return found && { type: found.type, body: await readFile(join(BUNDLE, found.name)) };
}

module.exports = { SECURITY, readAsset };
