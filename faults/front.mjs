/** What stands between the application and the server of a run: TLS, or a proxy, with the variables that name it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { fileURLToPath } from 'node:url';

const file = (name) =>
  fileURLToPath(new URL(`../__test__/fixtures/tls/${name}.pem`, import.meta.url));

/** A host that only the proxy reaches: names below `.test` do not exist. */
const BEHIND_PROXY = 'http://braintrust.test';
const CREDENTIALS = 'user:p%40ss';
const AUTHORIZATION = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;

/**
 * `proxy`         the server is reached through a proxy with credentials
 * `proxy-407`     the same, with wrong ones
 * `proxy-invalid` the variable names no proxy
 * `version-1`     the certificate is of version 1, below an authority of the user's
 * `common-name`   the certificate has no alternative name
 * `self-signed`   the certificate is its own authority
 * `untrusted`     the certificate's authority is not configured
 *
 * @typedef {'proxy' | 'proxy-407' | 'proxy-invalid' | 'version-1' | 'common-name' | 'self-signed' | 'untrusted'} Kind
 * @typedef {{ url: string, env: Record<string, string>, close(): Promise<void> }} Front
 */

/** The certificates of the kinds that are TLS: the server's, and the one that the application trusts. */
const CERTIFICATES = {
  'version-1': ['version-1', 'authority'],
  'common-name': ['common-name', 'authority'],
  'self-signed': ['version-1-self-signed', 'version-1-self-signed'],
  untrusted: ['common-name', undefined],
};

/** @param {Kind} kind @param {number} port of the server @returns {Promise<Front>} */
export function startFront(kind, port) {
  const certificates = CERTIFICATES[kind];
  return certificates === undefined ? proxy(kind, port) : tls(certificates, port);
}

/** @param {(string | undefined)[]} certificates @param {number} port @returns {Promise<Front>} */
async function tls([served, trusted], port) {
  const files = { key: readFileSync(file('key')), cert: readFileSync(file(served)) };
  const server = https.createServer(files, forwardTo(port));
  const at = await listen(server);
  return {
    url: `https://localhost:${at}`,
    env: trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: file(trusted) },
    close: () => close(server),
  };
}

/** @param {Kind} kind @param {number} port @returns {Promise<Front>} */
async function proxy(kind, port) {
  const isAllowed = ({ headers }) => headers['proxy-authorization'] === AUTHORIZATION;
  const forward = forwardTo(port);
  /** Serves what comes through tunnels. */
  const behind = http.createServer(forward);
  const server = http.createServer((request, response) => {
    if (isAllowed(request)) forward(request, response);
    else response.writeHead(407).end();
  });
  server.on('connect', (request, socket) => {
    if (!isAllowed(request)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 Connected\r\n\r\n');
    behind.emit('connection', socket);
  });
  const at = await listen(server);
  const credentials = kind === 'proxy' ? CREDENTIALS : 'user:wrong';
  const value = kind === 'proxy-invalid' ? 'http://' : ` http://${credentials}@127.0.0.1:${at} `;
  return {
    url: BEHIND_PROXY,
    env: {
      http_proxy: value,
      NO_PROXY: 'other.test, 10.0.0.0/8',
      // Node itself does not start with a variable that names no proxy.
      ...(kind !== 'proxy-invalid' && { NODE_USE_ENV_PROXY: '1' }),
    },
    close: async () => {
      behind.closeAllConnections();
      await close(server);
    },
  };
}

/** @param {number} port @returns {http.RequestListener} */
function forwardTo(port) {
  return (request, response) => {
    const { method, url } = request;
    // The server answers only those who know it by an address of this machine.
    const headers = { ...request.headers, host: `127.0.0.1:${port}` };
    const { pathname } = new URL(url, BEHIND_PROXY);
    const passed = http.request({ host: '127.0.0.1', port, method, path: pathname, headers });
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  };
}

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function close(server) {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
