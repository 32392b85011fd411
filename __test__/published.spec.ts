import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { publishedText, withoutDeadLinks } from '../scripts/published-text';
import { startCollector } from '../tools/collector';
import { ROOT, destination, run, withDirectory } from './support/run';

/*
 * What accompanies the code in what is published: pages, licences, and the way to install a clone.
 */

const unixTest = process.platform === 'win32' ? test.skip : test;

const REPOSITORY = 'git+https://code.example/acme/flue-braintrust.git';
const about = { repository: REPOSITORY, version: '1.2.3', files: ['docs/a.md', 'README.md'] };
const at = (path: string) => `https://code.example/acme/flue-braintrust/${path}`;

test.each([
  ['README.md', '[a](docs/a.md#part)', `[a](${at('blob/v1.2.3/docs/a.md#part')})`],
  ['README.md', '![a](docs/a.png)', `![a](${at('raw/v1.2.3/docs/a.png')})`],
  ['README.md', '[a](https://b.example)', '[a](https://b.example)'],
  ['README.md', '[a](#part)', '[a](#part)'],
  ['README.md', '```md\n[a](docs/a.md)\n```', '```md\n[a](docs/a.md)\n```'],
  [
    'README.md',
    '- Text\n\n  ```ts\n  all[b](docs)\n  ```\n',
    '- Text\n\n  ```ts\n  all[b](docs)\n  ```\n',
  ],
  ['docs/b.md', '[a](a.md)', '[a](a.md)'],
  ['docs/b.md', '[a](../src/lib.rs)', `[a](${at('blob/v1.2.3/src/lib.rs')})`],
  ['docs/b.md', '[a](c.md)', `[a](${at('blob/v1.2.3/docs/c.md')})`],
])('the published %s has %p as %p', (file, text, published) => {
  expect(publishedText(text, file, about)).toBe(published);
  expect(publishedText(text, file, { ...about, repository: undefined })).toBe(text);
});

test.each([
  ['README.md', 'See [a](docs/a.md#part).', 'See [a](docs/a.md#part).'],
  [
    'README.md',
    '[b](docs/b.md), [c](https://c.example), [d](#d)',
    'b, [c](https://c.example), [d](#d)',
  ],
  ['README.md', '# A\n\n![a](docs/a.png)\n\nText\n', '# A\n\nText\n'],
  ['README.md', 'Text ![a](docs/a.png) text', 'Text  text'],
  ['README.md', '[folder](docs/), [folder](docs)', '[folder](docs/), [folder](docs)'],
  ['README.md', '```md\n[b](docs/b.md)\n```', '```md\n[b](docs/b.md)\n```'],
  [
    'README.md',
    '- Text\n\n  ```ts\n  all[b](none)\n  ```\n',
    '- Text\n\n  ```ts\n  all[b](none)\n  ```\n',
  ],
  ['README.md', 'A [![a](a.png)](docs/b.md) z', 'A  z'],
  ['README.md', 'A [![a](a.png) b](docs/a.md) z', 'A [ b](docs/a.md) z'],
  ['README.md', 'A [![a](https://a.png)](docs/b.md) z', 'A ![a](https://a.png) z'],
  ['docs/a.md', '[`b`](../src/lib.rs) [up](../README.md)', '`b` [up](../README.md)'],
])(
  'without an address of the repository, the published %s has %p as %p',
  (file, text, published) => {
    expect(withoutDeadLinks(text, file, about.files)).toBe(published);
  },
);

describe('no page of the package keeps a link that leads to nothing in it', () => {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true })
    .map((name) => `docs/${String(name)}`)
    .filter((name) => name.endsWith('.md'));
  const files = [...pages, 'README.md', 'CHANGELOG.md'];
  const isAddress = (target: string) => /^([a-z]+:|#)/.test(target);

  /** The targets of all links, each with its page. */
  const links = (publish: (text: string, file: string) => string) =>
    files.flatMap((file) => {
      const text = publish(readFileSync(join(ROOT, file), 'utf8'), file);
      const prose = text.replace(/^```[^]*?^```$/gm, '');
      return Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => ({
        file,
        target,
      }));
    });

  test('once the repository has an address', () => {
    const all = links((text, file) => publishedText(text, file, { ...about, files }));
    const dead = all
      .filter(({ target }) => !isAddress(target))
      .filter(
        ({ file, target }) => file === 'README.md' || !files.includes(resolved(file, target)),
      );
    expect(dead).toEqual([]);
    expect(all.length).toBeGreaterThan(100);
  });

  test('nor before', () => {
    const all = links((text, file) => withoutDeadLinks(text, file, files));
    const dead = all
      .filter(({ target }) => !isAddress(target))
      .filter(({ file, target }) => !files.includes(resolved(file, target)));
    expect(dead).toEqual([]);
    expect(all.length).toBeGreaterThan(100);
  });
});

const resolved = (file: string, target: string) =>
  posix.join(posix.dirname(file), target.split('#')[0] ?? '');

test('licence expressions are satisfied by what is allowed, and only by that', async () => {
  const program = `
    import { choose, rules } from './scripts/licences.mjs';
    const allowed = ['MIT', 'ISC', 'Apache-2.0'];
    const expressions = ['MIT', 'Apache-2.0/MIT', 'GPL-3.0 OR ISC', 'ISC AND Apache-2.0', 'MIT AND GPL-3.0',
      '(GPL-3.0 OR MIT) AND ISC', 'Apache-2.0 WITH LLVM-exception', 'GPL-3.0', 'none'];
    console.log(JSON.stringify(expressions.map((one) => choose(one, allowed) ?? null)));
    const { licences, banned, deniesOtherSources } = rules();
    console.log(licences.includes('MIT') && !licences.includes('GPL-3.0'), banned.join(), deniesOtherSources);`;
  const { code, stdout } = await run(['--input-type=module', '-e', program]);
  const chosen = [
    ['MIT'],
    ['MIT'],
    ['ISC'],
    ['ISC', 'Apache-2.0'],
    null,
    ['MIT', 'ISC'],
    null,
    null,
    null,
  ];
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${JSON.stringify(chosen)}\ntrue openssl,native-tls true\n`,
  });
});

test('the licences that are published have those of the crates that record, send and encrypt', () => {
  const text = readFileSync(join(ROOT, 'THIRD-PARTY.txt'), 'utf8');
  const { components } = JSON.parse(readFileSync(join(ROOT, 'sbom.cdx.json'), 'utf8'));
  const names = components.map(({ name }: { name: string }) => name);
  for (const name of ['napi', 'reqwest', 'ring', 'rustls', 'serde_json', 'tokio', 'preact']) {
    expect(names).toContain(name);
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
  // It only tests, and is in no binary.
  expect(names).not.toContain('proptest');
});

test('`npm run package` installs this clone in a project, with its binary, types and pages', () =>
  withDirectory(async (directory) => {
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    // The npm of this machine, as it is configured, and without what an npm that runs the tests says of itself.
    const configured = Object.entries(process.env).filter(
      ([name]) => name.startsWith('npm_config_') && name !== 'npm_config_local_prefix',
    );
    const env = Object.fromEntries(configured) as Record<string, string>;
    const installed = await run(['scripts/package.mjs', directory], env);
    expect(installed).toMatchObject({ code: 0 });
    const { dependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    expect(dependencies['flue-braintrust']).toMatch(/^file:.*flue-braintrust-.*\.tgz$/);
    const files = readdirSync(join(directory, 'node_modules/flue-braintrust'));
    expect(files).toEqual(
      expect.arrayContaining([expect.stringMatching(/\.node$/), 'index.d.ts', 'docs']),
    );

    const collector = await startCollector();
    try {
      const program = `
        import { createRequire } from 'node:module';
        import { initLogger, traced } from 'flue-braintrust';
        initLogger();
        traced(() => {}, { name: 'packed' });
        const { cache } = createRequire(import.meta.url);
        console.log(Object.keys(cache).map((file) => file.split(/[\\\\/]/).at(-1)).join());`;
      const args = ['--input-type=module', '-e', program];
      const ended = await run(args, destination(collector), undefined, directory);
      // What a running application loads is one file, beside those that are as they are made.
      const binary = files.find((name) => name.endsWith('.node'));
      const loaded = `index.js,node.js,warn.js,package.json,native.js,${binary}`;
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout.trim().split(',').toSorted()).toEqual(loaded.split(',').toSorted());
      expect(collector.rows()).toHaveLength(1);

      // There is no Flue.
      const registering = `
        import { initLogger } from 'flue-braintrust';
        initLogger({ onError: ({ code }) => console.log(code) });
        await import('flue-braintrust/register');`;
      const unregistered = ['--input-type=module', '-e', registering];
      const warned = await run(unregistered, destination(collector), undefined, directory);
      expect(warned).toMatchObject({ code: 0, stdout: 'FLUE_BRAINTRUST_UNREGISTERED\n' });
    } finally {
      await collector.close();
    }
  }));

unixTest('`npm run package` uses the package manager of the workspace', () =>
  withDirectory(async (directory) => {
    const [project, programs] = [join(directory, 'packages/app'), join(directory, 'bin')];
    for (const made of [project, programs]) mkdirSync(made, { recursive: true });
    writeFileSync(join(project, 'package.json'), '{}');
    writeFileSync(join(directory, 'pnpm-lock.yaml'), '');
    writeFileSync(join(programs, 'pnpm'), '#!/bin/sh\necho "in $PWD: $@"\n', { mode: 0o755 });
    const PATH = `${programs}:${process.env.PATH}`;
    const { stdout } = await run(['scripts/package.mjs', project], { PATH });
    expect(stdout).toMatch(/\nin \S+\/packages\/app: add file:\S+\.tgz\n$/);
  }),
);

test('`npm run package` names what is not a project, before it builds anything', async () => {
  const ended = await run(['scripts/first-run.mjs', 'package', join(ROOT, '__test__/corpus')]);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/^There is no package\.json in .*corpus\.\n$/);
  const wrong = await run(['scripts/first-run.mjs', 'package', '--no-such-option']);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/^Usage: npm run package/);
});

test('`npm run demo` names an option that it does not know, before it builds anything', async () => {
  const ended = await run(['scripts/first-run.mjs', 'demo', '--no-srve']);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toMatch(/^Unknown option '--no-srve'[^]*\nUsage: npm run demo/);
  const help = await run(['scripts/first-run.mjs', 'demo', '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/^Usage: npm run demo/);
});
