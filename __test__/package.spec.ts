import { globSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import required = require('..');
import { PLATFORMS } from '../js/native-loader';
import { manifestIn, npm } from './support/npm';
import { ROOT, run, withDirectory } from './support/run';

const NAMES = [
  'Attachment',
  'ERR_PERMALINK',
  'NOOP_SPAN',
  'NOOP_SPAN_PERMALINK',
  'braintrustFlueInstrumentation',
  'braintrustFlueObserver',
  'close',
  'currentLogger',
  'currentSpan',
  'extractTraceContextFromHeaders',
  'flueSpan',
  'flush',
  'initLogger',
  'injectTraceContext',
  'log',
  'logError',
  'logFeedback',
  'logScores',
  'permalink',
  'setMaskingFunction',
  'startSpan',
  'stats',
  'traceable',
  'traced',
  'updateSpan',
  'withCurrent',
  'withLogger',
  'withParent',
  'wrapTraced',
];

test('the types declare exactly what the package exports', () => {
  const types = readFileSync(join(ROOT, 'index.d.ts'), 'utf8');
  const declared = [...types.matchAll(/^export declare (?:function|const|class) (\w+)/gm)].map(
    ([, name]) => name,
  );
  // Overloads are declarations, too.
  expect([...new Set(declared)].toSorted()).toEqual(NAMES);
  expect(Object.keys(required).toSorted()).toEqual(NAMES);
});

test('it can be imported by name from an ES module and required', async () => {
  const imports = `import { ${NAMES.join(', ')} } from 'flue-braintrust';
    import * as all from 'flue-braintrust';
    console.log([${NAMES.join(', ')}].every((item) => item !== undefined));
    console.log(Object.keys(all).join());`;
  const requires = `console.log(Object.keys(require('flue-braintrust')).sort().join())`;
  expect(await run(['--input-type=module', '-e', imports])).toMatchObject({
    stdout: `true\n${NAMES.join()}\n`,
  });
  expect(await run(['-e', requires])).toMatchObject({ stdout: `${NAMES.join()}\n` });
});

test('what is published is what runs, with its types, and nothing else', async () => {
  const report = JSON.parse(await npm(['pack', '--dry-run', '--json'], ROOT));
  const [{ files }] = Object.values(report) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  const sources = ['js', 'tools'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
  );
  expect(paths.toSorted()).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY.txt',
      'index.d.mts',
      'index.d.ts',
      'index.js',
      'index.mjs',
      'native.js',
      'package.json',
      'register.d.mts',
      'register.d.ts',
      'register.js',
      'register.mjs',
      'sbom.cdx.json',
      'testing.d.ts',
      'testing.js',
      ...globSync('docs/**/*.md', { cwd: ROOT }),
      ...sources
        .filter((path) => /\.(m?js|wasm|css|svg)$/.test(path))
        .filter((path) => !path.startsWith('tools/viewer/page/')),
    ].toSorted(),
  );
});

test("Yarn's Plug'n'Play unpacks what Node itself opens as a file", () => {
  const files = globSync('{js,tools}/**/*.js', { cwd: ROOT, exclude: ['**/bundle/**'] });
  const workers = files.filter((file) =>
    readFileSync(join(ROOT, file), 'utf8').includes('new Worker('),
  );
  expect(workers).toEqual([join('tools', 'viewer', 'search.js')]);
  expect(manifestIn(ROOT)).toMatchObject({ preferUnplugged: true });
});

test('every platform has a package, with its binary and of our version, as has the crate', () => {
  const { version, napi } = manifestIn(ROOT);
  expect(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8')).toContain(`\nversion = "${version}"\n`);
  for (const file of ['native.js', 'js/edge/version.mjs']) {
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(`'${version}'`);
  }
  expect(readdirSync(join(ROOT, 'npm')).toSorted()).toEqual(PLATFORMS);
  expect(napi.targets).toHaveLength(PLATFORMS.length);
  for (const platform of PLATFORMS) {
    const binary = `flue-braintrust.${platform}.node`;
    const expected = {
      name: `flue-braintrust-${platform}`,
      version,
      main: binary,
      files: [binary],
    };
    expect(manifestIn(join(ROOT, 'npm', platform))).toMatchObject(expected);
  }
});

const linuxTest = process.platform === 'linux' ? test : test.skip;

linuxTest('importing and initialising start no thread; the first event starts one', async () => {
  const program = `
    const { readdirSync } = require('node:fs');
    const threads = () => readdirSync('/proc/self/task').length;
    const before = threads();
    const { initLogger, braintrustFlueObserver } = require('flue-braintrust');
    const imported = threads();
    initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9', exitTimeoutMs: 0 });
    const initialised = threads();
    braintrustFlueObserver({ type: 'message_start' });
    const ignored = threads();
    braintrustFlueObserver({ type: 'run_start', runId: 'run_1', workflowName: 'w' });
    console.log(JSON.stringify([imported, initialised, ignored, threads()].map((n) => n - before)));`;
  expect(await run(['-e', program])).toMatchObject({ code: 0, stdout: '[0,0,0,1]\n' });
});

test('the key may stand in the nearest .env.braintrust, and nothing of it reaches the environment', () =>
  withDirectory(async (directory) => {
    const { mkdirSync, writeFileSync } = await import('node:fs');
    const file = ['export BRAINTRUST_API_KEY="from the file" # comment', 'OTHER=1'].join('\n');
    writeFileSync(join(directory, '.env.braintrust'), file);
    mkdirSync(join(directory, 'a', 'b'), { recursive: true });
    const program = `
      process.chdir(${JSON.stringify(join(directory, 'a', 'b'))});
      const { initLogger } = require(${JSON.stringify(ROOT)});
      initLogger({ appUrl: 'http://127.0.0.1:9' });
      console.log(process.env.BRAINTRUST_API_KEY, process.env.OTHER);`;
    const ended = await run(['-e', program]);
    // The key has a space, which no key has: the warning proves that it was read, without showing it.
    expect(ended).toMatchObject({ code: 0, stdout: 'undefined undefined\n' });
    expect(ended.stderr).toContain('the API key has characters');
    expect(ended.stderr).not.toContain('from the file');
  }));

test('of the variables of the process only ours and those of the network are read', async () => {
  const program = `console.log(Object.keys(require('./js/environment.js').environment().env).sort().join())`;
  const env = {
    BRAINTRUST_ORG_NAME: 'acme',
    FLUE_BRAINTRUST_LOGS: '1',
    MY_BRAINTRUST_KEY: 'secret',
    NODE_EXTRA_CA_CERTS: '/nowhere.pem',
    NODE_EXTRA_CA_CERTS_KEY: 'secret',
    NODE_NO_WARNINGS: '1',
    no_proxy: '*',
  };
  const read = 'BRAINTRUST_ORG_NAME,FLUE_BRAINTRUST_LOGS,NODE_EXTRA_CA_CERTS,no_proxy\n';
  expect(await run(['-e', program], env)).toMatchObject({ code: 0, stdout: read });
});

test('what is not an event and what cannot be written down never throws into the caller', async () => {
  const program = `
    const { initLogger, braintrustFlueObserver: observe, stats, close } = require('flue-braintrust');
    initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9', exitTimeoutMs: 0 });
    const cycle = { name: 'ring' }; cycle.self = cycle;
    const event = { type: 'run_start', runId: 'run_1', workflowName: 'w' };
    const throwing = { ...event, get input() { throw new Error('no'); } };
    const proxy = new Proxy({}, { get() { throw new Error('proxy'); } });
    for (const odd of [undefined, null, 7, 'text', {}, [], proxy, throwing, { ...event, input: cycle },
      { ...event, input: 1n }, { ...event, runId: 7 }, { ...event, timestamp: {} }]) observe(odd, odd);
    close({ timeoutMs: 0 }).then(() => console.log(stats().events));`;
  const { code, stdout, stderr } = await run(['-e', program]);
  // Five that say something, and one that cannot even be asked what it is: that one is counted as lost.
  expect({ code, stdout }).toEqual({ code: 0, stdout: '6\n' });
  // What could not be read, unless the end came before anybody tried; and what is lost in all.
  expect(stderr).toMatch(
    /^(\[flue-braintrust\] FLUE_BRAINTRUST_LOST: .*unreadable.*\n)?.*EXIT: .*\n$/,
  );
});
