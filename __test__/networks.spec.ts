/** Proxies and certificates: what Node does with the same variables, and what the exporter does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import {
  type Listener,
  certificateFile,
  closedPort,
  recordingProxy,
  tlsInFrontOf,
} from './support/network';
import { run, withDirectory } from './support/run';

const KEY = 'sk-verysecret-4711';

/** Requests a URL once by Node's `fetch` and once by the native part, and prints how that ends. */
const PROGRAM = `
  const { loadNative } = require('./js/native-loader.js');
  const { environment } = require('./js/environment.js');
  const appUrl = process.argv.at(-1);
  const options = { apiKey: '${KEY}', appUrl, requestTimeoutMs: 5000 };
  const settings = JSON.stringify({ options, ...environment() });
  const node = fetch(appUrl).then(() => true, () => false);
  Promise.all([node, loadNative().tryConnection(settings)]).then(([node, probe]) => {
    const { session, failure, certificateWarning } = JSON.parse(probe);
    console.log(JSON.stringify({ node, ours: session !== null, why: failure?.message, certificateWarning }));
  });`;

interface Result {
  node: boolean;
  ours: boolean;
  why?: string;
  certificateWarning: string | null;
}

async function request(
  url: string,
  env: Record<string, string>,
  flags: string[] = [],
): Promise<Result> {
  const { stdout, stderr } = await run([...flags, '-e', PROGRAM, url], env);
  expect(stdout + stderr).not.toContain(KEY);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('a proxy is asked as curl and Node ask it', () => {
  type Row = [env: Record<string, string>, url: string, via: 'proxy' | 'direct' | 'refused'];
  /** `PROXY` is the address of the proxy. */
  const rows: Row[] = [
    [{ HTTP_PROXY: 'PROXY' }, 'http://a.corp.test', 'proxy'],
    [{ HTTPS_PROXY: 'PROXY' }, 'https://a.corp.test', 'proxy'],
    [{ https_proxy: 'PROXY', HTTPS_PROXY: 'http://127.0.0.1:9' }, 'https://a.corp.test', 'proxy'],
    [{ http_proxy: 'PROXY', HTTP_PROXY: 'http://127.0.0.1:9' }, 'http://a.corp.test', 'proxy'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: '*' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'a.corp.test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'A.Corp.Test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: '.corp.test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: '*.corp.test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'b.test, a.corp.test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'b.test a.corp.test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'a.corp.test:8080' }, 'http://a.corp.test:8080', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'a.corp.test:8081' }, 'http://a.corp.test:8080', 'proxy'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'b.test' }, 'http://a.corp.test', 'proxy'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: '192.0.2.1' }, 'http://a.corp.test', 'proxy'],
  ];
  /** What curl has and `fetch` has not, and what `fetch` fails at when it is set up. */
  const curlOnly: Row[] = [
    [{ HTTP_PROXY: ' PROXY ' }, 'http://a.corp.test', 'proxy'],
    [{ ALL_PROXY: 'PROXY' }, 'http://a.corp.test', 'proxy'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: 'corp.test' }, 'http://a.corp.test', 'direct'],
    [{ HTTP_PROXY: 'PROXY', NO_PROXY: '127.0.0.0/8' }, 'http://127.0.0.2:9', 'direct'],
    [{ HTTP_PROXY: 'http://' }, 'http://127.0.0.2:9', 'refused'],
    [{ HTTP_PROXY: 'ftp://127.0.0.1' }, 'http://127.0.0.2:9', 'refused'],
    [{ HTTP_PROXY: 'http://user:12#3word@127.0.0.1' }, 'http://127.0.0.2:9', 'refused'],
  ];

  let proxy: Awaited<ReturnType<typeof recordingProxy>>;
  beforeAll(async () => {
    proxy = await recordingProxy();
  });
  afterAll(() => proxy.close());

  async function check([env, url, via]: Row) {
    proxy.asked.clear();
    const at = `http://127.0.0.1:${proxy.port}`;
    const set = Object.entries(env).map(([name, value]) => [name, value.replace('PROXY', at)]);
    // Node itself does not start with a variable that names no proxy.
    const node: Record<string, string> = via === 'refused' ? {} : { NODE_USE_ENV_PROXY: '1' };
    const result = await request(url, { ...Object.fromEntries(set), ...node });
    expect(proxy.asked.has('ours')).toBe(via === 'proxy');
    expect(result).toMatchObject({ ours: false, why: expect.any(String) });
    expect(/_PROXY is not|_PROXY: ftp is not/.test(result.why ?? '')).toBe(via === 'refused');
    expect(result.why).not.toContain('3word');
  }

  test.each(rows)('%j %s: %s', async (...row) => {
    await check(row);
    expect(proxy.asked.has('node')).toBe(row[2] === 'proxy');
  });

  test.each(curlOnly)('%j %s: %s, unlike `fetch`', (...row) => check(row));

  test('a SOCKS proxy that does not listen is named, and nothing is sent directly', async () => {
    for (const scheme of ['socks', 'socks5', 'socks5h', 'socks4']) {
      const at = `127.0.0.1:${await closedPort()}`;
      const { why } = await request('http://127.0.0.2:9', { ALL_PROXY: `${scheme}://${at}` });
      expect(why).toContain('no connection through the proxy socks');
      expect(why).toContain(at);
    }
  });
});

describe('a certificate is trusted as Node trusts it', () => {
  const authority = certificateFile('authority.pem');
  const selfSigned = certificateFile('certificate.pem');
  const text = (file: string) => readFileSync(file, 'utf8');
  const broken = '-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n';
  /** `FILE` is a file with that content, `DIR` its directory. */
  interface Row {
    title: string;
    server: string;
    host?: string;
    content?: string;
    env: Record<string, string>;
    flags?: string[];
    trusted: boolean;
  }
  const extra = { NODE_EXTRA_CA_CERTS: 'FILE' };
  const rows: Row[] = [
    {
      title: 'its own authority',
      server: 'certificate.pem',
      content: text(selfSigned),
      env: extra,
      trusted: true,
    },
    {
      title: 'a common name only',
      server: 'common-name.pem',
      host: 'localhost',
      content: text(authority),
      env: extra,
      trusted: true,
    },
    {
      title: 'version 1',
      server: 'version-1.pem',
      host: 'localhost',
      content: text(authority),
      env: extra,
      trusted: true,
    },
    {
      title: 'version 1, its own authority',
      server: 'version-1-self-signed.pem',
      host: 'localhost',
      content: text(certificateFile('version-1-self-signed.pem')),
      env: extra,
      trusted: true,
    },
    {
      title: 'a byte order mark',
      server: 'certificate.pem',
      content: `\u{feff}${text(selfSigned)}`,
      env: extra,
      trusted: true,
    },
    {
      title: 'an unreadable certificate after a good one',
      server: 'certificate.pem',
      content: text(selfSigned) + broken,
      env: extra,
      trusted: true,
    },
    {
      title: '--use-openssl-ca',
      server: 'certificate.pem',
      content: text(selfSigned),
      env: { SSL_CERT_FILE: 'FILE' },
      flags: ['--use-openssl-ca'],
      trusted: true,
    },
    {
      title: '--use-system-ca',
      server: 'certificate.pem',
      content: text(selfSigned),
      env: { SSL_CERT_FILE: 'FILE' },
      flags: ['--use-system-ca'],
      trusted: true,
    },
    {
      title: 'verification switched off',
      server: 'certificate.pem',
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      trusted: true,
    },
    { title: 'no certificate configured', server: 'certificate.pem', env: {}, trusted: false },
    {
      title: 'another authority',
      server: 'certificate.pem',
      content: text(authority),
      env: extra,
      trusted: false,
    },
    {
      title: 'another host',
      server: 'common-name.pem',
      content: text(authority),
      env: extra,
      trusted: false,
    },
  ];

  test.each(rows)('$title: $trusted', ({ server, host, content, env, flags, trusted }) =>
    withDirectory(async (directory) => {
      const collector = await startCollector({ apiKey: KEY });
      const secured: Listener = await tlsInFrontOf(collector.port, certificateFile(server));
      try {
        const file = join(directory, 'trusted.pem');
        if (content !== undefined) writeFileSync(file, content);
        const set = Object.entries(env).map(([name, value]) => [name, value.replace('FILE', file)]);
        const url = `https://${host ?? '127.0.0.1'}:${secured.port}`;
        const result = await request(url, Object.fromEntries(set), flags);
        expect(result).toMatchObject({ node: trusted, ours: trusted });
        if (!trusted) expect(result.why).toContain('invalid peer certificate: ');
        if (content?.includes(broken))
          expect(result.certificateWarning).toContain('certificate 2 in');
        if ('NODE_TLS_REJECT_UNAUTHORIZED' in env) {
          expect(result.certificateWarning).toContain('certificates are not verified');
        }
      } finally {
        await secured.close();
        await collector.close();
      }
    }),
  );
});
