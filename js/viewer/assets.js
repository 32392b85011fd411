'use strict';

const { createHash } = require('node:crypto');
const { readFile } = require('node:fs/promises');
const { join } = require('node:path');

const PAGE = join(__dirname, 'page');
const SCRIPT = 'text/javascript; charset=utf-8';

/**
 * The bare names that the page's modules import, and what serves them. The packages come as they are
 * published: there is no build step. Node resolves htm to its CommonJS form, beside which the other lies.
 *
 * @type {[specifier: string, url: string, file: () => string][]}
 */
const PACKAGES = [
  ['preact', '/viewer/preact.mjs', () => require.resolve('preact')],
  ['preact/hooks', '/viewer/preact-hooks.mjs', () => require.resolve('preact/hooks')],
  ['htm', '/viewer/htm.mjs', () => join(require.resolve('htm'), '..', 'htm.mjs')],
];

const MODULES = [
  'app',
  'connection',
  'conversation',
  'details',
  'format',
  'html',
  'icons',
  'json',
  'list',
  'messages',
  'rows',
  'search',
  'trace',
  'virtual',
];

/**
 * Every file that is served. A path that is not a key here is not served, whatever it looks like.
 *
 * @type {Map<string, { type: string, file: () => string }>}
 */
const ASSETS = new Map([
  ['/viewer/style.css', { type: 'text/css; charset=utf-8', file: () => join(PAGE, 'style.css') }],
  ['/viewer/icon.svg', { type: 'image/svg+xml', file: () => join(PAGE, 'icon.svg') }],
  ...MODULES.map((name) => asset(`/viewer/${name}.mjs`, () => join(PAGE, `${name}.mjs`))),
  ...PACKAGES.map(([, url, file]) => asset(url, file)),
]);

const importMap = JSON.stringify({
  imports: Object.fromEntries(PACKAGES.map(([specifier, url]) => [specifier, url])),
});

/** The one script in the page itself, which browsers take from nowhere else. */
const importMapHash = createHash('sha256').update(importMap).digest('base64');

const SECURITY = {
  'content-security-policy': [
    `default-src 'none'`,
    `script-src 'self' 'sha256-${importMapHash}'`,
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
<script type="importmap">${importMap}</script>
<script type="module" src="/viewer/app.mjs"></script>
<body><noscript>The traces are drawn by a script. Please allow scripts for this address.</noscript>
`;

/**
 * @param {string} url
 * @param {() => string} file
 * @returns {[string, { type: string, file: () => string }]}
 */
function asset(url, file) {
  return [url, { type: SCRIPT, file }];
}

/**
 * @param {string} path
 * @returns {Promise<{ type: string, body: string | Buffer } | undefined>} undefined: there is no such file
 */
async function readAsset(path) {
  if (path === '/') return { type: 'text/html; charset=utf-8', body: HTML };
  const found = ASSETS.get(path);
  return found && { type: found.type, body: await readFile(found.file()) };
}

module.exports = { SECURITY, readAsset };
