import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { build, type BuildOptions, type Loader, type PluginBuild } from 'esbuild';
import { finished, ROOT, run, withDirectory } from './support/run';

const PROGRAM = `
  const { initLogger, traced } = require('flue-braintrust');
  initLogger();
  console.log(traced(() => 'done', { name: 'work' }));
`;
const KEY = { BRAINTRUST_API_KEY: 'test-key', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' };

/** Runs a program: it must work, and say in one line of these words why it does not trace. */
async function expectWarning(args: string[], words: string[], env: Record<string, string> = {}) {
  const ended = await run(args, { ...KEY, ...env });
  expect(ended).toMatchObject({ code: 0, stdout: 'done\n' });
  const warnings = ended.stderr.split('\n').filter((line) => line.startsWith('[flue-braintrust]'));
  expect(warnings).toHaveLength(1);
  for (const word of ['FLUE_BRAINTRUST_NOT_STARTED', ...words]) expect(warnings[0]).toContain(word);
  expect(warnings[0]).not.toContain('damaged');
}

test.each([
  ['--no-addons', '`--no-addons` switches native addons off'],
  ['--permission', 'add `--allow-addons`'],
])('with %s the warning names the flag', (flag, words) =>
  expectWarning(
    [flag, ...(flag === '--permission' ? ['--allow-fs-read=*'] : []), '-e', PROGRAM],
    [words],
  ),
);

test('NODE_OPTIONS switch addons off, too', () =>
  expectWarning(['-e', PROGRAM], ['also in NODE_OPTIONS'], { NODE_OPTIONS: '--no-addons' }));

const unixTest = process.platform === 'win32' ? test.skip : test;

unixTest.each<[string, (file: string) => void]>([
  ['it is cut short', (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
  ['a FIFO is in its place', (file) => replaced(file, () => execFileSync('mkfifo', [file]))],
  ['a device is in its place', (file) => replaced(file, () => symlinkSync('/dev/zero', file))],
  ['a folder is in its place', (file) => replaced(file, () => mkdirSync(file))],
])(
  'a binary in the package itself, as a clone or a single tarball has it, is not loaded when %s',
  (_how, damage) =>
    withDirectory(async (directory) => {
      for (const name of ['index.js', 'js', 'native.js', 'package.json']) {
        cpSync(join(ROOT, name), join(directory, name), { recursive: true });
      }
      const binary =
        readdirSync(ROOT).find((name) => /^flue-braintrust\..*\.node$/.test(name)) ?? '';
      copyFileSync(join(ROOT, binary), join(directory, binary));
      damage(join(directory, binary));
      const ended = await run(['-e', PROGRAM.replace('flue-braintrust', directory)], KEY, 60_000);
      expect(ended).toMatchObject({ code: 0, stdout: 'done\n' });
      expect(ended.stderr).toContain('FLUE_BRAINTRUST_NOT_STARTED');
      expect(ended.stderr).toContain(binary);
    }),
);

/** Puts something else in the place of a file. */
function replaced(file: string, put: () => void) {
  rmSync(file);
  put();
}

/** What the system says of a binary that it does not load, and what the warning must say. */
test.each([
  [
    "/lib/libc.so.6: version `GLIBC_2.99' not found (required by x.node)",
    'it needs glibc 2.99 or newer, and this system has ',
  ],
  [
    'Error loading shared library ld-linux-x86-64.so.2: No such file or directory',
    'for another C library',
  ],
  [
    'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory',
    'for another C library',
  ],
  ['x.node: failed to map segment from shared object', '`noexec`'],
  ['x.node: cannot open shared object file: Permission denied', 'change its permissions'],
  ['x.node: cannot open shared object file: Too many open files', '`ulimit -n`'],
  ['x.node: cannot open shared object file: Cannot allocate memory', 'not enough memory'],
  ['dlopen(x.node, 0x0001): Symbol not found: _foo (built for macOS 14.0)', 'needs a newer system'],
  ['Access to this API has been restricted', '`--allow-fs-read`'],
  ['/srv/macOS-app/x.node: invalid ELF header', 'name the binary of this version for this machine'],
])('%s', (error, words) =>
  withDirectory(async (directory) => {
    // The system's own texts, thrown in the place of what it does not load.
    const file = join(directory, 'binary.cjs');
    writeFileSync(file, `throw new Error(${JSON.stringify(error)});`);
    await expectWarning(['-e', PROGRAM], [words], { NAPI_RS_NATIVE_LIBRARY_PATH: file });
  }),
);

/** Bundles a program with the package inside, and runs it where the package is not installed unless it is to be. */
async function bundled(
  options: Pick<BuildOptions, 'define' | 'loader' | 'external' | 'format' | 'plugins'>,
  program = PROGRAM,
  isInstalled = false,
  stdout = 'done\n',
  workingDirectory?: string,
) {
  return withDirectory(async (directory) => {
    const outfile = join(directory, options.format === 'esm' ? 'bundle.mjs' : 'bundle.cjs');
    await build({
      stdin: { contents: program, resolveDir: ROOT },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile,
      logLevel: 'silent',
      ...options,
    });
    if (isInstalled) {
      mkdirSync(join(directory, 'node_modules'));
      symlinkSync(ROOT, join(directory, 'node_modules/flue-braintrust'));
    }
    const ended = await finished(process.execPath, [outfile], KEY, workingDirectory ?? directory);
    expect(ended).toMatchObject({ code: 0, stdout });
    return ended.stderr.split('\n').filter(Boolean);
  });
}

test.each<Loader>(['file', 'base64', 'dataurl', 'binary', 'empty', 'text'])(
  'a bundle with the binary as %s says how to keep the package out of it',
  async (loader) => {
    // Its beginning alone, which is replaced as all of it would be: that takes seconds for each loader.
    const setup = ({ onLoad }: PluginBuild) =>
      onLoad({ filter: /\.node$/ }, ({ path }) => {
        return { contents: readFileSync(path).subarray(0, 100_000), loader };
      });
    const warnings = await bundled({ plugins: [{ name: 'beginning', setup }] });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('FLUE_BRAINTRUST_NOT_STARTED');
    expect(warnings[0]).toContain("`external: ['flue-braintrust']` in esbuild");
  },
);

test('a bundle without the binary says how to keep the package out of it', async () => {
  const warnings = await bundled({ external: ['*.node', 'flue-braintrust-*'] });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('its code is in a bundle, without the binary');
  expect(warnings[0]).toContain("`external: ['flue-braintrust']` in esbuild");
});

test('a bundle with the binary as a copy traces', async () => {
  expect(await bundled({ loader: { '.node': 'copy' } })).not.toContainEqual(
    expect.stringContaining('NOT_STARTED'),
  );
});

/** The program as an ES module. */
const MODULE = PROGRAM.replace(/const (.*) = require\((.*)\);/, 'import $1 from $2;');

test.each(['esm', 'cjs'] as const)(
  'a bundle of ES modules in the format %s runs on where the package is not installed, and says how to keep the package out of it',
  async (format) => {
    const program = `${MODULE}
      import { currentSpan, flush, setMaskingFunction, stats, wrapTraced } from 'flue-braintrust';
      setMaskingFunction(() => { throw new Error('called'); });
      const work = wrapTraced((value) => value + currentSpan().id);
      stats();
      Promise.resolve(flush()).then(() => console.log(work('late')));`;
    const warnings = await bundled({ format }, program, false, 'done\nlate\n');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('FLUE_BRAINTRUST_NOT_STARTED');
    expect(warnings[0]).toContain("`external: ['flue-braintrust']`");
  },
);

test.each(['esm', 'cjs'] as const)(
  'a bundle of ES modules in the format %s traces where the package is installed',
  async (format) => {
    const warnings = await bundled({ format }, MODULE, true);
    expect(warnings).toContainEqual(expect.stringContaining('not_delivered_at_exit'));
    expect(warnings).not.toContainEqual(expect.stringContaining('NOT_STARTED'));
  },
);

test.each(['esm', 'cjs'] as const)(
  'a bundle in the format %s that is moved with the package, and runs in another directory, traces',
  async (format) => {
    // webpack replaces the address by that at the build.
    const built = '"file:///built/node_modules/flue-braintrust/index.mjs"';
    const addresses: Record<string, string>[] = [{ 'import.meta.url': built }, {}];
    for (const define of addresses) {
      const warnings = await bundled({ format, define }, MODULE, true, undefined, tmpdir());
      expect(warnings).toContainEqual(expect.stringContaining('not_delivered_at_exit'));
      expect(warnings).not.toContainEqual(expect.stringContaining('NOT_STARTED'));
    }
  },
);

test('in a runtime that is not Node, such as a browser, a bundle runs on and says so', async () => {
  const { outputFiles } = await build({
    stdin: { contents: MODULE, resolveDir: ROOT },
    bundle: true,
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  const [shown, warnings]: string[][] = [[], []];
  const log = (line: string) => shown?.push(line);
  const error = (line: string) => warnings?.push(line);
  runInContext(outputFiles[0]?.text ?? '', createContext({ console: { log, error } }));
  expect(shown).toEqual(['done']);
  expect(warnings).toEqual([
    expect.stringMatching(/FLUE_BRAINTRUST_NOT_STARTED: .*: this runtime is not Node, 22.19/),
  ]);
});

test('where no variable may be read, as in Deno without `--allow-env`, a program runs on and says so', () => {
  const program = `
    const get = (env, name) => {
      if (String(name).includes('BRAINTRUST')) throw new Error('no access');
      return env[name];
    };
    process.env = new Proxy(process.env, { get });
    const { initLogger, traced } = await import('flue-braintrust');
    initLogger();
    console.log(traced(() => 'done', { name: 'work' }));`;
  return expectWarning(['--input-type=module', '-e', program], ['no access']);
});
