import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { startCollector } from '../tools/collector';
import { exportedAgents, isAgent } from '../tools/init/agents';
import { instrumented } from '../tools/init/instrument';
import { tracingModule } from '../tools/init/modules';
import { replaceFile } from '../tools/init/write';
import { CLI, cli } from './support/cli';
import { init, withFiles } from './support/init';
import { type Line, Project, type SourceRoot } from './support/project';
import { ROOT, finished, withDirectory } from './support/run';

const unixTest = process.platform === 'win32' ? test.skip : test;

const LINES: Line[] = ['1.0-beta', '2.x'];
const OURS = `import { instrument } from '@flue/runtime';
import { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';

if (process.env.BRAINTRUST_API_KEY) {
  initLogger(); // project: BRAINTRUST_PROJECT_NAME, else "Flue"
  instrument(braintrustFlueInstrumentation());
}
`;
/** As projects have it from Flue's guide, with the helper that it mentions. */
const OFFICIAL = readFileSync(
  join(ROOT, 'examples/agent/braintrust-compatible.ts'),
  'utf8',
).replace(`'flue-braintrust'`, `'braintrust'`);
/** What it becomes. */
const MIGRATED = OFFICIAL.replace(`, observe }`, `, instrument }`)
  .replace(
    `{ braintrustFlueObserver, initLogger } from 'braintrust'`,
    `{ braintrustFlueInstrumentation, braintrustFlueObserver, initLogger } from 'flue-braintrust'`,
  )
  .replace(
    `  observe((event, ctx) => {
    const compatible = compatibleEvent(event);
    if (compatible) braintrustFlueObserver(compatible, ctx);
  });
`,
    `  instrument({
    ...braintrustFlueInstrumentation(),
    observe: (event, ctx) => {
      const compatible = compatibleEvent(event);
      if (compatible) braintrustFlueObserver(compatible, ctx);
    },
  });
`,
  );

/** Runs the install command that was printed. */
function install(project: Project, commands: string[]) {
  for (const command of commands) {
    const names = /^npm install (.+)$/.exec(command)?.[1];
    if (names !== undefined) project.install(...names.split(' '));
  }
}

/** Has the agent's tool make a span of its own. */
function withOwnSpan(project: Project) {
  const file = project.path('agents/gardener.ts');
  const text = readFileSync(file, 'utf8');
  const traced = text
    .replace(/^(?=import )/m, `import { traced } from 'flue-braintrust';\n`)
    .replace('17.5', `traced(() => 17.5, { name: 'thermometer' })`);
  writeFileSync(file, traced);
}

/** That the project type-checks, builds, and traces what its agent does. */
async function expectTraces(project: Project, hasOwnSpan = false) {
  expect(await project.typeCheck()).toBe('');
  expect(await project.build()).toBe('');
  const collector = await startCollector();
  try {
    const trace = await project.trace(collector);
    expect(trace.spans.map(({ name }) => name).toSorted()).toEqual([
      'flue.prompt',
      'llm:moss-1',
      'llm:moss-1',
      ...(hasOwnSpan ? ['thermometer'] : []),
      'tool:read_house',
    ]);
    // A span that the tool makes is below its call.
    const call = trace.spans.find(({ name }) => name === 'tool:read_house');
    expect(call?.children.map(({ name }) => name)).toEqual(hasOwnSpan ? ['thermometer'] : []);
    expect([trace.problems, collector.problems]).toEqual([[], []]);
  } finally {
    await collector.close();
  }
}

/** That running it once more changes nothing. */
async function expectDone(project: Project) {
  const before = project.files();
  expect(await init(project.directory)).toMatchObject({ files: [] });
  expect(project.files()).toEqual(before);
}

const forms = LINES.flatMap((line) =>
  (['.flue', 'src', '.'] as SourceRoot[]).map((sourceRoot) => [line, sourceRoot] as const),
);

test.each(forms)(
  'a fresh Flue %s project with its sources in %s is traced after init',
  async (line, sourceRoot) => {
    await withDirectory(async (directory) => {
      const project = new Project(directory, line, sourceRoot).withPackages();
      project.write('.env.example', 'PORT=3000\n');
      const before = project.files();
      const { files, commands } = await init(directory);
      const created = (name: string) => join(sourceRoot, name);
      expect(files.map(({ path, action }) => [action, path])).toEqual([
        ['create', created('braintrust.ts')],
        ['create', created('app.ts')],
        ['change', '.env.example'],
      ]);
      expect(commands).toEqual(['npm install flue-braintrust']);
      const after = project.files();
      expect(after[created('braintrust.ts')]).toBe(OURS);
      expect(after['.env.example']).toBe(
        'PORT=3000\n\n# Traces go to Braintrust once there is a key.\n' +
          'BRAINTRUST_API_KEY=\nBRAINTRUST_PROJECT_NAME=Flue\n',
      );
      const { '.env.example': _example, ...others } = before;
      expect(after).toMatchObject(others);

      await expectDone(project);
      install(project, commands);
      await expectTraces(project);
    });
  },
);

test.each(LINES)('an app.ts of a Flue %s project gets one line more', async (line) => {
  await withDirectory(async (directory) => {
    const project = new Project(directory, line, 'src').withPackages().withApp();
    const app = readFileSync(project.path('app.ts'), 'utf8');
    const { commands } = await init(directory);
    const [comment = '', ...rest] = app.split('\n');
    expect(readFileSync(project.path('app.ts'), 'utf8')).toBe(
      [comment, `import './braintrust.ts';`, ...rest].join('\n'),
    );
    expect(Object.keys(project.files())).not.toContain('.env.example');
    await expectDone(project);
    install(project, commands);
    await expectTraces(project);
  });
});

test.each(LINES)(
  'a Flue %s project that uses `braintrust` changes its import and its registration, and own spans find their parents',
  async (line) => {
    await withDirectory(async (directory) => {
      const project = new Project(directory, line, 'src').withPackages().withApp();
      project.install('braintrust');
      withOwnSpan(project);
      writeFileSync(project.path('braintrust.ts'), OFFICIAL);
      const app = `import './braintrust.ts';\n${readFileSync(project.path('app.ts'), 'utf8')}`;
      writeFileSync(project.path('app.ts'), app);

      const before = project.files();
      const { files, commands } = await init(directory);
      expect(files.map(({ path }) => path)).toEqual(['src/braintrust.ts']);
      expect(commands).toEqual(['npm uninstall braintrust', 'npm install flue-braintrust']);
      expect(project.files()).toEqual({ ...before, 'src/braintrust.ts': MIGRATED });
      await expectDone(project);
      install(project, commands);
      await expectTraces(project, true);
    });
  },
);

/** The note about `flue run` of a Flue 2 project in which no agent is found. */
const RUN = '`flue run` loads no src/app.ts: to trace it, import the module from the agent, too.';

test.each([
  ['variables that a module sets', "import 'dotenv/config';\n", "import { Hono } from 'hono';\n"],
  ['such a module alone', "import '@dotenvx/dotenvx/config';\n", 'const one = 1;\n'],
  [
    'such a module behind another one',
    "import { Hono } from 'hono';\nimport 'dotenv/config';\n",
    "import './one.ts';\n",
  ],
  ['a comment on the types of the file', '// @ts-nocheck\n', "import './one.ts';\n"],
  ['a comment on the rules of the file', '// biome-ignore-all lint: x\n', "import './one.ts';\n"],
  ['a directive with a comment', "'use strict'; // really\n", 'const one = 1;\n'],
  ['a directive, not an expression', "'use strict'\n", "'x' !== process.env.X && go();\n"],
  ['a directive before a comment', "'use strict' /* a */;\n", "'x'\n  .trim();\n"],
  ['comments of the file', '// The app.\n', "// @ts-expect-error no types\nimport './one.ts';\n"],
  ['a comment for a line that is blank', '// @ts-ignore\n\n', "import './one.ts';\n"],
  [
    'such a comment further above',
    "// eslint-disable-next-line x\n\nimport 'dotenv/config';\n",
    "import './one.ts';\n",
  ],
  [
    'a comment of several lines behind the last import',
    "import 'dotenv/config'; /* sets\n   variables */\n",
    'const one = 1;\n',
  ],
  [
    'a template behind the last import',
    "import 'dotenv/config'; const one = `\n${[\n]}\n`;\n",
    'const two = 2;\n',
  ],
])('the import of an app follows %s', async (_what, before, after) => {
  await withFiles({ 'src/app.ts': before + after }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`${before}import './braintrust.ts';\n${after}`);
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['a package', "import 'dotenv/config';\n"],
  ['a function of a package', "import { config } from 'dotenv';\nconfig();\n"],
  ["Node's function", 'process.loadEnvFile();\n'],
  ['itself', "process.env['BRAINTRUST_API_KEY'] ??= await Promise.resolve('k');\n"],
  ['itself, by names', 'for (const [a, b] of Object.entries({})) {\n  process.env[a] = b;\n}\n'],
  ['itself, all at once', "if (process.env.CI !== '1') Object.assign(process.env, {});\n"],
  ['a function of Next', "import env from '@next/env';\nenv.loadEnvConfig('.');\n"],
  ['varlock', "import 'varlock/auto-load';\n"],
  ['another module', "import './files.ts';\n"],
])('the import of an app follows a module that sets variables by %s', async (_how, env) => {
  const before = "import { Hono } from 'hono';\nimport { port } from './env.ts';\n";
  const after = "import './one.ts';\n";
  const files = { 'src/app.ts': before + after, 'src/env.ts': env, 'src/one.ts': '' };
  const more = { 'src/files.ts': 'process.loadEnvFile();\n' };
  await withFiles({ ...files, ...more }, async (directory, read) => {
    const { notes } = await init(directory);
    expect(read('src/app.ts')).toBe(`${before}import './braintrust.ts';\n${after}`);
    expect(notes.join()).not.toContain('finds no key');
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  [
    'the app loads the tracing after it',
    "process.loadEnvFile();\nawait import('./braintrust.ts');\n",
  ],
  [
    'another import has set them',
    "import './env.ts';\nimport './braintrust.ts';\nimport { config } from 'dotenv';\nconfig({ path: '.env.local' });\n",
  ],
])('a call that sets variables is not too late if %s', async (_when, app) => {
  const files = { 'src/app.ts': app, 'src/env.ts': "import 'dotenv/config';\n" };
  await withFiles(files, async (directory) => {
    await init(directory);
    const { notes } = await init(directory);
    expect(notes.join()).not.toContain('finds no key');
  });
});

test('an import of types does not run the module', async () => {
  const app = "import type { Fields } from './braintrust.ts';\n";
  await withFiles({ 'src/app.ts': app }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`import './braintrust.ts';\n${app}`);
  });
});

test('an app imports the module, even if others do that it does not import', async () => {
  const module = `import './braintrust.ts';\n`;
  const app = `import './routes.ts';\nexport default {};\n`;
  const files = { 'src/app.ts': app, 'src/routes.ts': '', 'src/app.test.ts': module };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`${module}${app}`);
  });
  await withFiles({ ...files, 'src/routes.ts': module }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(app);
  });
});

test('a dry run shows the diff and changes nothing', async () => {
  const app = `import { Hono } from 'hono';\n\nexport default new Hono();\n`;
  await withFiles({ 'src/app.ts': app }, async (directory, read) => {
    const ending = await cli(['init', directory, '--dry-run']);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(ending.stdout).toContain(
      `--- a/src/app.ts\n+++ b/src/app.ts\n@@ -1,3 +1,4 @@\n+import './braintrust.ts';\n import { Hono } from 'hono';\n`,
    );
    expect(ending.stdout).toContain('--- /dev/null\n+++ b/src/braintrust.ts\n@@ -0,0 +1,7 @@\n');
    expect(ending.stdout).not.toContain('\u001b');
    expect(read('src/app.ts')).toBe(app);
    expect(() => read('src/braintrust.ts')).toThrow('ENOENT');
  });
});

test.each(['--dry-run', '--json'])('no diff has an API key (%s)', async (option) => {
  const KEY = 'bt-st-0123456789abcdef';
  const example = `# Ours\nBRAINTRUST_API_KEY=${KEY}\n`;
  const files = { 'src/app.ts': `const apiKey = '${KEY}';\n`, '.env.example': example };
  await withFiles(files, async (directory, read) => {
    const { stdout } = await cli(['init', directory, option]);
    expect(stdout).toContain('BRAINTRUST_PROJECT_NAME=Flue');
    expect(stdout).toContain('*'.repeat(KEY.length));
    expect(stdout).not.toContain('0123456789');
    expect(read('.env.example')).toContain(example);
  });
});

test.each([
  ['by no module', `export default 'app';\n`, [expect.stringContaining('src/tracing.ts')]],
  ['in a comment', `// import './tracing.ts';\n`, [expect.stringContaining('src/tracing.ts')]],
  ['by the app', `import './tracing.ts';\nexport default 'app';\n`, []],
])('a module of another name that is imported %s', async (_how, app, expected) => {
  const files = { 'src/app.ts': app, 'src/tracing.ts': OURS };
  await withFiles(files, async (directory) => {
    const { notes } = await init(directory);
    expect(notes.filter((note) => note.startsWith('No module imports'))).toEqual(expected);
  });
});

test('a module that uses the observers of its loggers is not registered once more', async () => {
  const tracing = `import { observe } from '@flue/runtime';
import { initLogger } from 'flue-braintrust';
const sales = initLogger({ projectName: 'Sales' });
observe((event, ctx) => sales.observer()(event, ctx));
`;
  const files = { 'src/app.ts': `import './tracing.ts';\n`, 'src/tracing.ts': tracing };
  await withFiles(files, async (directory) => {
    const { files: changed, notes } = await init(directory);
    expect(changed).toEqual([]);
    expect(notes.join()).not.toContain('observe');
  });
});

test.each([
  ['at the usual place', 'src/braintrust.ts', `import { instrument } from '@flue/runtime';`],
  ['elsewhere', 'src/tracing.ts', `import { instrument } from '@flue/runtime';`],
  ['on 0.8', 'src/tracing.ts', `import { observe as instrument } from '@flue/runtime/app';`],
  ['in CommonJS', 'src/tracing.ts', `const { instrument } = require('@flue/runtime');`],
])(
  'an observer of a logger that another module makes is not registered once more: %s',
  async (_, module, imports) => {
    const files = {
      'src/app.ts': `import './${module.slice('src/'.length)}';\n`,
      [module]: `${imports}
import { logger } from './logger.ts';
instrument(logger.observer());
`,
      'src/logger.ts': `import { initLogger } from 'flue-braintrust';
export const logger = initLogger();
`,
    };
    await withFiles(files, async (directory) => {
      const { files: changed } = await init(directory);
      expect(changed).toEqual([]);
    });
  },
);

test.each([
  ['without Flue', ''],
  ['in a module of an agent', `import { defineAgent } from '@flue/runtime';\n`],
])('an observer of another package is not taken for one of a logger: %s', async (_, imports) => {
  const files = {
    'src/app.ts': `import './metrics.ts';\nimport './logger.ts';\n`,
    'src/metrics.ts': `${imports}import { metrics } from './own.ts';\nmetrics.observer();\n`,
    'src/logger.ts': `import { initLogger } from 'flue-braintrust';\nexport const logger = initLogger();\n`,
  };
  await withFiles(files, async (directory) => {
    const { files: changed } = await init(directory);
    expect(changed.map(({ path }) => path)).toEqual(['src/braintrust.ts', 'src/app.ts']);
  });
});

test('a project is written on in its own style', async () => {
  const app = `#!/usr/bin/env node\r\n/* import 'nothing' */\r\nimport { Hono } from "hono"\r\nimport { a } from "./a.js"\r\n`;
  await withFiles({ 'src/app.ts': app, 'src/a.ts': '' }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(
      app.replace('import { Hono }', 'import "./braintrust.js"\r\nimport { Hono }'),
    );
    expect(read('src/braintrust.ts')).toBe(
      tracingModule('2.x').replaceAll("'", '"').replaceAll(';', '').replaceAll('\n', '\r\n'),
    );
  });
});

test('a new app has the style of the other modules', async () => {
  const agent = `'use agent'\nimport { a } from "./it's.js"\nexport function A() {\n\ta()\n}\n`;
  await withFiles({ 'src/it"s.ts': agent }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toContain(`import { A } from "./it\\"s.ts"\n`);
    expect(read('src/app.ts')).toContain(`export default app\n`);
    expect(read('src/braintrust.ts')).toContain(`\n\tinitLogger() // project:`);
  });
});

test('an import that the app makes by way of another module is enough', async () => {
  const files = {
    'src/app.ts': `import './setup/all.ts';\nexport default 'app';\n`,
    'src/setup/all.ts': `import '../braintrust.ts';\n`,
    'src/braintrust.ts': OURS,
  };
  await withFiles(files, async (directory) => {
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

describe('tracing in a folder of its own', () => {
  test.each(['./braintrust', './braintrust/', './braintrust/index', './braintrust/index.js'])(
    'is migrated where it stands, and found by an app that imports %s',
    async (specifier) => {
      const files = {
        'src/app.ts': `import '${specifier}';\nexport default {};\n`,
        'src/braintrust/index.ts': OFFICIAL,
      };
      await withFiles(files, async (directory, read) => {
        const { files: changed, notes } = await init(directory);
        expect(changed.map(({ path }) => path)).toEqual(['src/braintrust/index.ts']);
        expect(read('src/braintrust/index.ts')).toBe(MIGRATED);
        expect(notes).toEqual([RUN]);
      });
    },
  );

  test('is found by way of another folder, and imported where nothing imports it', async () => {
    const files = {
      'src/app.ts': `import './setup';\nexport default {};\n`,
      'src/setup/index.ts': `import '../braintrust';\n`,
      'src/braintrust/index.ts': OURS,
    };
    await withFiles(files, async (directory) => {
      expect(await init(directory)).toMatchObject({ files: [], notes: [RUN] });
    });
    await withFiles({ ...files, 'src/setup/index.ts': '' }, async (directory, read) => {
      await init(directory);
      expect(read('src/app.ts')).toBe(`import './braintrust/index';\n${files['src/app.ts']}`);
      expect(await init(directory)).toMatchObject({ files: [], notes: [RUN] });
    });
  });

  test('of another name is looked for by the name of the folder', async () => {
    const files = { 'src/app.ts': `import '#tracing';\n`, 'src/tracing/index.ts': OURS };
    await withFiles(files, async (directory) => {
      expect((await init(directory)).notes).toEqual([RUN]);
      writeFileSync(join(directory, 'src/app.ts'), `import './index.css';\n`);
      expect((await init(directory)).notes[0]).toBe(
        'No module imports src/tracing/index.ts: import it once, in the first line of the application.',
      );
    });
  });

  test('is not hidden by a new file if it does something else', async () => {
    await withFiles({ 'src/braintrust/index.ts': 'export {};\n' }, async (directory) => {
      const ending = await cli(['init', directory]);
      expect(ending).toMatchObject({ code: 1, stdout: '' });
      expect(ending.stderr).toContain('src/braintrust/index.ts is there and does not connect');
      expect(existsSync(join(directory, 'src/braintrust.ts'))).toBe(false);
    });
  });
});

test('with the key in .env.braintrust, which only `initLogger` reads, the environment is not asked', async () => {
  const withKeyFile = (text: string, use: Parameters<typeof withFiles>[1]) =>
    withFiles({ '.env.braintrust': text, 'src/app.ts': '' }, use);
  await withKeyFile('export BRAINTRUST_API_KEY=k\n', async (directory, read) => {
    await init(directory);
    expect(read('src/braintrust.ts').split('\n').slice(2)).toEqual([
      '',
      'initLogger(); // project: BRAINTRUST_PROJECT_NAME, else "Flue"',
      'instrument(braintrustFlueInstrumentation());',
      '',
    ]);
  });
  await withKeyFile('BRAINTRUST_ORG_NAME=o\n', async (directory, read) => {
    await init(directory);
    expect(read('src/braintrust.ts')).toContain('if (process.env.BRAINTRUST_API_KEY) {');
  });
});

test('a project in JavaScript gets JavaScript', async () => {
  await withFiles({ 'src/app.mjs': 'export default {};\n' }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.mjs')).toBe(`import './braintrust.mjs';\nexport default {};\n`);
    expect(read('src/braintrust.mjs')).toBe(OURS);
  });
});

test('on Flue 0.8 names come from where they are there', async () => {
  const manifest = '{"dependencies":{"@flue/runtime":"0.8.1"}}';
  await withFiles({ 'package.json': manifest, 'src/x.ts': '' }, async (directory, read) => {
    await init(directory);
    expect(read('src/braintrust.ts')).toContain(`import { observe } from '@flue/runtime/app';`);
    expect(read('src/braintrust.ts')).toContain('  observe((event, ctx) => {\n');
    expect(read('src/app.ts')).toContain(`import { flue } from '@flue/runtime/app';`);
  });
});

test('tracing that stands elsewhere is migrated where it stands', async () => {
  const tracing = `import {\n  braintrustFlueObserver,\n  initLogger,\n  setMaskingFunction,\n} from "braintrust";\n// not 'braintrust'\nconst name = 'braintrust';\n`;
  const files = { 'src/app.ts': `import './lib/tracing';\n`, 'src/lib/tracing.ts': tracing };
  await withFiles(files, async (directory, read) => {
    const { files: changed } = await init(directory);
    expect(changed.map(({ path }) => path)).toEqual(['src/lib/tracing.ts']);
    expect(read('src/lib/tracing.ts')).toBe(
      tracing.replace('from "braintrust"', 'from "flue-braintrust"'),
    );
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['initLogger()', true],
  ['initLogger({ apiKey: process.env.BRAINTRUST_API_KEY })', true],
  ["initLogger({ apiKey: `${'k'}`, fetch: () => { return globalThis.fetch; } })", true],
  ['initLogger<true>({ asyncFlush: true })', true],
  ["initLogger({ projectName: 'P' }) ?? initLogger()", true],
  ["initLogger({ metadata: {}, projectName: 'P' })", false],
  ["initLogger({ projectName: 'P' })", false],
  ["initLogger({ projectId: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f' })", false],
  ['initLogger({ ...options })', false],
  ['initLogger(options)', false],
])('that traces go to another project is stated, if %s named none', async (call, isStated) => {
  const module = `import { braintrustFlueObserver, initLogger } from 'braintrust';
import { observe } from '@flue/runtime';
const options = { apiKey: 'k' };
export const logger = ${call};
observe((event, ctx) => {
  braintrustFlueObserver(event, ctx);
});
`;
  const files = { 'src/braintrust.ts': module, 'src/app.ts': `import './braintrust.ts';\n` };
  await withFiles(files, async (directory) => {
    const stated = (notes: string[]) => notes.filter((note) => note.includes('"Global"'));
    expect(stated((await init(directory)).notes)).toHaveLength(isStated ? 1 : 0);
    expect(stated((await init(directory)).notes)).toHaveLength(0);
  });
});

test('the official package stays while the application is started with its hook', async () => {
  const started = (script: string) => ({
    'package.json': JSON.stringify({
      scripts: { start: `node ${script}dist/server.mjs` },
      dependencies: { '@flue/runtime': '^2.1.0', braintrust: '3.35.0' },
    }),
    'src/braintrust.ts': OFFICIAL,
    'src/app.ts': `import './braintrust.ts';\n`,
  });
  await withFiles(started('--import braintrust/hook.mjs '), async (directory) => {
    const { commands, notes } = await init(directory);
    expect(commands).toEqual(['npm install flue-braintrust']);
    expect(notes).toEqual([
      RUN,
      expect.stringContaining('package.json loads `braintrust/hook`'),
      expect.stringContaining('exactly `braintrust` 3.35.0'),
    ]);
  });
  await withFiles(started(''), async (directory) => {
    const { commands, notes } = await init(directory);
    expect(commands).toEqual(['npm uninstall braintrust', 'npm install flue-braintrust']);
    expect(notes).toEqual([RUN]);
  });
});

test('the official package stays while evaluations outside of the sources need it, or its command', async () => {
  const files = {
    'package.json': JSON.stringify({
      scripts: { eval: 'braintrust eval evals' },
      dependencies: { '@flue/runtime': '^2.1.0', braintrust: '^3.35.0' },
    }),
    'src/braintrust.ts': OFFICIAL,
    'src/app.ts': `import './braintrust.ts';\n`,
    'evals/a.eval.ts': `import { Eval } from 'braintrust';\n`,
  };
  await withFiles(files, async (directory) => {
    const { commands, notes } = await init(directory);
    expect(commands).toEqual(['npm install flue-braintrust']);
    expect(notes).toEqual([
      RUN,
      expect.stringMatching(/^evals\/a\.eval\.ts goes on with `braintrust`/),
      'package.json goes on with `braintrust eval`, which needs `braintrust`.',
    ]);
  });
});

test('what we do not have is named, and nothing is changed', async () => {
  const module = `import { initLogger, braintrustFlueObserver, wrapOpenAI } from 'braintrust';\n`;
  await withFiles({ 'src/braintrust.ts': module }, async (directory, read) => {
    const ending = await cli(['init', directory]);
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toContain('src/braintrust.ts uses `wrapOpenAI` of `braintrust`');
    expect(read('src/braintrust.ts')).toBe(module);
    expect(() => read('src/app.ts')).toThrow('ENOENT');
  });
});

test('a login, which nothing needs, is to be removed', async () => {
  const module = `import { initLogger, braintrustFlueObserver, login, wrapOpenAI } from 'braintrust';\nawait login();\n`;
  await withFiles({ 'src/braintrust.ts': module }, async (directory) => {
    const { code, stderr } = await cli(['init', directory]);
    expect(code).toBe(1);
    expect(stderr).toContain('uses `login` of `braintrust`, which `flue-braintrust` needs no more');
    expect(stderr).toContain(
      'uses `wrapOpenAI` of `braintrust`, which `flue-braintrust` does not have',
    );
  });
});

test('other uses of `braintrust` are left alone, reported, and keep their package', async () => {
  const files = {
    'package.json': '{"dependencies":{"@flue/runtime":"^2.1.0","braintrust":"3.17.0"}}',
    'src/app.ts': '',
    'src/evals.ts': `import { Eval } from 'braintrust';\n`,
    'src/tool.ts': `import { Eval, traced as work, currentSpan } from 'braintrust';\n`,
  };
  await withFiles(files, async (directory, read) => {
    const { commands, notes } = await init(directory);
    expect(commands).toEqual(['npm install flue-braintrust']);
    expect(notes).toEqual([
      RUN,
      expect.stringMatching(/^src\/evals\.ts goes on with `braintrust`.* is initialised\.$/),
      expect.stringMatching(/Import `traced`, `currentSpan` from `flue-braintrust` instead\.$/),
      expect.stringContaining('exactly `braintrust` 3.17.0'),
    ]);
    expect(read('src/evals.ts')).toBe(files['src/evals.ts']);
  });
});

test('a braintrust.ts that does something else is not overwritten', async () => {
  await withFiles({ 'src/braintrust.ts': 'export {};\n' }, async (directory, read) => {
    const ending = await cli(['init', directory]);
    expect(ending.code).toBe(1);
    expect(ending.stderr).toContain('src/braintrust.ts is there');
    expect(read('src/braintrust.ts')).toBe('export {};\n');
  });
});

test('agents that init makes reachable are reported', async () => {
  const agents = `// Two.\n'use agent';\nexport function RoseGardener() {}\nexport default function Baker() {}\nexport function helper() {}\n`;
  await withFiles({ 'src/agents/two.ts': agents }, async (directory, read) => {
    const { notes, commands } = await init(directory);
    expect(read('src/app.ts')).toContain(
      `app.route('/agents/rose-gardener', createAgentRouter(RoseGardener));\n` +
        `app.route('/agents/baker', createAgentRouter(Baker));\n`,
    );
    expect(notes[0]).toContain('/agents/rose-gardener, /agents/baker');
    expect(notes[1]).toContain("add `import '../braintrust.ts';` in src/agents/two.ts");
    expect(commands).toEqual(['npm install flue-braintrust hono']);
  });
});

/** Modules in each form in which Flue's scan finds agents, and in forms in which it finds none. */
const MODULES = [
  `'use agent';\nexport const Greeter = () => 'a';\nexport const helper = () => 'b', notes = [Greeter];`,
  `'use agent'\nfunction Baker() { return 'b' }\nexport default Baker\n\nBaker.agentName = 'first-baker'`,
  `/* 'use client' */ 'use strict'; // strict\n'use agent';\nfunction Cook() {}\nexport { Cook };`,
  `'use agent';\nasync function cook() {}\nconst Waiter = async (x: { a: string }) => x;\nexport { cook as Chef, Waiter as default };\ncook.agentName = "the-chef" as const;\n`,
  `'use agent';\nexport const Typed: Agent<() => string> = ({ a, b }): Promise<string> => a;\nexport let Named = function Other() {};\nexport const Arrow = async input => input;\nexport const Generic = <T,>(input: T): T => input;`,
  `'use agent';\nexport const Wrapped = ((a = 1) => { export_(a); }) satisfies Agent;\nexport const Cast = (function () {}) as Agent;\nexport const Bare = (() => 'x');`,
  `'use agent';\nexport const Text: string = 'x';\nexport const Later = text;\nexport const Made = make(() => 'a');\nexport const Called = (() => 'a')();\nexport class Kind {}\nexport type Shape = () => void;\nexport function Real() {}`,
  `'use agent';\nexport function Over(a: string): string;\nexport function Over(a: number): string;\nexport function Over(a: unknown) { const Inner = () => a; function Deep() {} return Inner; }`,
  `'use agent';\nexport { Away } from './other.ts';\nexport * from './all.ts';\nimport Known from './known.ts';\nexport { Known };\nfunction Idle() {}\nexport { Idle as idle, type Shape };\nexport default function Here() {}\nif (on) { Here.agentName = 'no'; }`,
  `'use agent';\n// export function Old() {}\nconst text = \`\nexport function Fake() {}\n\`;\nexport async function* Stream() {}\nexport function Last() { return '}'; }\nLast\n  .agentName = 'a';\nLast.agentName = 'the-last';`,
  `import x from 'x';\n'use agent';\nexport function Late() {}`,
  `export function Plain() { return 'use agent'; }`,
];

test("the agents of a module are those of Flue's own scan", async () => {
  const scan = `import { scanAgentModuleCode } from '@flue/vite/internal';
const scans = JSON.parse(process.argv[1]).map((code) => scanAgentModuleCode(code, 'agent.ts'));
console.log(JSON.stringify(await Promise.all(scans)));`;
  const args = ['--input-type=module', '-e', scan, JSON.stringify(MODULES)];
  const directory = join(ROOT, '__test__/lines');
  const { stdout, stderr } = await finished(process.execPath, args, {}, directory);
  expect(stderr).toBe('');
  interface Scan {
    hasDirective: boolean;
    agents: { exportName: string; functionName: string; identity: string }[];
  }
  const scans: Scan[] = JSON.parse(stdout);
  const found = MODULES.map((text) => ({
    hasDirective: isAgent({ path: 'agent.ts', text }),
    agents: exportedAgents(text).map(({ exported, local, identity }) => ({
      exportName: exported,
      functionName: local,
      identity,
    })),
  })).map(({ hasDirective, agents }) => ({ hasDirective, agents: hasDirective ? agents : [] }));
  expect(found).toEqual(scans);
});

test.each(['agent.cts', 'agent.tsx', 'agent.cjs'])(
  'a module %s has no agents, as Flue scans none of that ending',
  (name) => {
    expect(isAgent({ path: name, text: `'use agent';\n` })).toBe(false);
  },
);

test('agents of one name have their own imports and routes', async () => {
  const files = {
    'src/a.ts': `'use agent';\nexport default function Agent() {}\nAgent.agentName = 'first';\n`,
    'src/b.ts': `'use agent';\nexport function Agent() {}\nAgent.agentName = 'secondAgent';\n`,
    'src/c.ts': `'use agent';\nexport const Hono = () => 'a', x = 1;\nexport function Agent2() {}\n`,
  };
  await withFiles(files, async (directory, read) => {
    const { notes } = await init(directory);
    expect(read('src/app.ts').split('\n').slice(2, -1)).toEqual([
      `import { Hono } from 'hono';`,
      `import Agent from './a.ts';`,
      `import { Agent as Agent2 } from './b.ts';`,
      `import { Hono as Hono2 } from './c.ts';`,
      `import { Agent2 as Agent22 } from './c.ts';`,
      '',
      'const app = new Hono();',
      `app.route('/agents/first', createAgentRouter(Agent));`,
      `app.route('/agents/second-agent', createAgentRouter(Agent2));`,
      `app.route('/agents/hono', createAgentRouter(Hono2));`,
      `app.route('/agents/agent2', createAgentRouter(Agent22));`,
      '',
      'export default app;',
    ]);
    expect(notes[0]).toContain('/agents/first, /agents/second-agent, /agents/hono, /agents/agent2');
  });
});

test('the source root .flue is imported by a path', async () => {
  const files = {
    'vite.config.ts': `import { flue } from '@flue/vite';\nexport default { plugins: [flue({ app: './server.ts' })] };\n`,
    'server.ts': `export default {};\n`,
    '.flue/agent.ts': '',
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('server.ts')).toBe(`import './.flue/braintrust.ts';\nexport default {};\n`);
    expect((await init(directory)).files).toEqual([]);
  });
});

test('the names of modules that have quotes make no other code', async () => {
  const agent = `'use agent';\nexport function Agent() {}\n`;
  await withFiles({ [`src/it's "it".ts`]: agent }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toContain(
      String.raw`import { Agent } from './it\'s \"it\".ts';` + '\n',
    );
  });
});

test('variables that an example has are not added again', async () => {
  const example = 'export BRAINTRUST_API_KEY=sk-…\n# BRAINTRUST_PROJECT_NAME=Mine';
  await withFiles({ '.env.example': example, 'app.ts': '' }, async (directory, read) => {
    await init(directory);
    expect(read('.env.example')).toBe(example);
  });
});

test.each([
  ['pnpm-lock.yaml', '', 'pnpm remove braintrust', 'pnpm add flue-braintrust', 'pnpm exec'],
  ['yarn.lock', '', 'yarn remove braintrust', 'yarn add flue-braintrust', 'yarn run'],
  ['bun.lock', '', 'bun remove braintrust', 'bun add flue-braintrust', 'bunx'],
  ['bun.lockb', '', 'bun remove braintrust', 'bun add flue-braintrust', 'bunx'],
  ['package-lock.json', '', 'npm uninstall braintrust', 'npm install flue-braintrust', 'npx'],
  ['none', 'pnpm@9.1.0', 'pnpm remove braintrust', 'pnpm add flue-braintrust', 'pnpm exec'],
  ['../pnpm-lock.yaml', '', 'pnpm remove braintrust', 'pnpm add flue-braintrust', 'pnpm exec'],
])(
  'with %s and packageManager "%s" the commands are: %s, %s',
  async (lock, stated, ...commands) => {
    const [remove = '', add = '', execute = ''] = commands;
    const manifest = {
      dependencies: { '@flue/runtime': '^2.1.0', braintrust: '3.17.0' },
      ...(stated && { packageManager: stated }),
    };
    const files = {
      'app/package.json': JSON.stringify(manifest),
      [join('app', lock)]: '',
      'app/wrangler.jsonc': '{}',
      'app/src/app.ts': '',
      'app/src/braintrust.ts': OFFICIAL,
    };
    await withFiles(files, async (directory) => {
      const project = join(directory, 'app');
      expect((await init(project, '--dry-run')).commands).toEqual([remove, add]);
      const { stdout } = await cli(['init', project]);
      expect(stdout).toContain(`  ${add}\n  ${execute} flue-braintrust doctor\n`);
      expect(stdout).toContain(`Without an account: ${execute} flue-braintrust dev -- `);
    });
  },
);

test.each([
  ['pnpm', { 'pnpm-lock.yaml': '', 'pnpm-workspace.yaml': 'packages: [a, b]\n' }, ' -w'],
  ['Yarn 1', { 'yarn.lock': '# THIS IS AN AUTOGENERATED FILE.\n# yarn lockfile v1\n' }, ' -W'],
  ['Yarn', { 'yarn.lock': '__metadata:\n  version: 8\n' }, ''],
])(
  'the commands in the root of a workspace of %s are those that it takes',
  async (_name, files, flag) => {
    const dependencies = { '@flue/runtime': '^2.1.0', braintrust: '3.17.0' };
    const manifest = JSON.stringify({ workspaces: ['a', 'b'], dependencies });
    const all = { 'package.json': manifest, 'src/app.ts': '', 'src/braintrust.ts': OFFICIAL };
    await withFiles({ ...all, ...files }, async (directory) => {
      const { commands } = await init(directory);
      expect(commands).toEqual([
        expect.stringMatching(new RegExp(`^\\w+ remove${flag} braintrust$`)),
        expect.stringMatching(new RegExp(`^\\w+ add${flag} flue-braintrust$`)),
      ]);
    });
  },
);

test.each<[string, object | undefined, string, string]>([
  ['2.1.0', { dev: 'vite dev' }, 'vite.config.ts', 'npm run dev'],
  ['2.1.0', { start: 'node dist/server.mjs' }, 'vite.config.ts', 'npx vite dev'],
  ['1.0.0-beta.9', undefined, 'flue.config.ts', 'npx flue dev'],
  ['1.0.0-beta.9', undefined, 'tsconfig.json', 'npx flue dev --target node'],
  ['0.11.1', undefined, 'wrangler.jsonc', 'npx flue dev --target cloudflare'],
])('on Flue %s with the scripts %j and %s, it starts by `%s`', (version, scripts, config, start) =>
  withFiles(
    {
      'package.json': JSON.stringify({ scripts, dependencies: { '@flue/runtime': version } }),
      [config]: '{}',
    },
    async (directory) => {
      const { stdout } = await cli(['init', directory]);
      expect(stdout).toMatch(new RegExp(`dev -- ${start}\n$`));
    },
  ),
);

test.each([
  ['overrides', { overrides: { braintrust: '3.17.0' } }],
  ['resolutions', { resolutions: { '**/braintrust': '3.17.0' } }],
  ['pnpm.overrides', { pnpm: { overrides: { 'braintrust@3': '3.17.0' } } }],
])('a version that `%s` sets for the whole tree is reported', async (member, pin) => {
  const dependencies = { '@flue/runtime': '^2.1.0', braintrust: '3.17.0' };
  const files = {
    'package.json': JSON.stringify({ dependencies, ...pin }),
    'src/app.ts': '',
    'src/braintrust.ts': OFFICIAL,
  };
  await withFiles(files, async (directory) => {
    const { notes } = await init(directory);
    expect(notes.at(-1)).toBe(
      `\`${member}\` in package.json sets the version of \`braintrust\`: remove that, too.`,
    );
  });
});

test.each([
  ['package-lock.json', 'npx'],
  ['pnpm-lock.yaml', 'pnpm exec'],
])('in a project for Cloudflare with %s, the place of the key is stated', async (lock, execute) => {
  const files = {
    'package.json': JSON.stringify({ dependencies: { '@flue/runtime': '^2.1.0' } }),
    'src/app.ts': '',
    [lock]: '',
  };
  await withFiles(files, async (directory) => {
    const onNode = await init(directory, '--dry-run');
    writeFileSync(join(directory, 'wrangler.jsonc'), '{}');
    const { notes } = await init(directory, '--dry-run');
    expect(notes).toEqual([
      ...onNode.notes,
      `For the deployed Worker, store the key by \`${execute} wrangler secret put BRAINTRUST_API_KEY\`. ` +
        'In development it gets the key from .dev.vars or, where there is none, from .env.',
    ]);
  });
});

/** A project whose app is not in the usual place. */
const withApps = (configurations: Record<string, string>) => ({
  'src/hello.ts': `'use agent';\nexport function Hello() {}\n`,
  'server/main.ts': `export default {};\n`,
  'server/other.ts': `export default {};\n`,
  ...configurations,
});
const vite = (options: string, before = '') =>
  `import { flue } from '@flue/vite';\n${before}export default { plugins: [react(), flue(${options})] };\n`;
const OTHER = { 'flue.config.ts': `export default { app: './server/other.ts' };\n` };

test.each([
  ['the options of the plugin', { 'vite.config.ts': vite(`{ app: 'server/main.ts' }`) }],
  [
    'these options, and another one by the configuration file',
    {
      ...OTHER,
      'vite.config.mjs': vite(`{\n  ...shared,\n  "app" : "server/main.ts", // here\n}`),
    },
  ],
  [
    'the plugin under another name',
    {
      'vite.config.cjs': `const { flue: agents } = require('@flue/vite');\nmodule.exports = { plugins: [agents({ db, app: './server/main.ts' })] };\n`,
    },
  ],
  [
    'the configuration file, and none by the plugin',
    {
      'flue.config.mts': `// app: 'src/app.ts'\nexport default { app: 'server/main.ts' };\n`,
      'flue.config.js': `export default { app: 'server/other.ts' };\n`,
      'vite.config.ts': vite(
        `{ app: undefined }`,
        `const input = { app: 'index.html' };\n// flue({ app: 'x.ts' })\n`,
      ),
    },
  ],
])('an app that is named by %s gets the import', async (_where, configurations) => {
  await withFiles(withApps(configurations), async (directory, read) => {
    const { files } = await init(directory);
    expect(files.map(({ path }) => path)).toEqual(['src/braintrust.ts', 'server/main.ts']);
    expect(read('server/main.ts')).toBe(`import '../src/braintrust.ts';\nexport default {};\n`);
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['a variable', '{ app }', 'app', {}],
  ['a call', `{ app: resolve('server', 'main.ts') }`, `app: resolve('server', 'main.ts')`, {}],
  ['options that stand elsewhere', 'options', 'flue(options)', {}],
  ['options that are composed', '{ ...shared }', 'flue({ ...shared })', {}],
  [
    'options that stand elsewhere in the file',
    'options',
    'flue(options)',
    { 'src/app.ts': 'export default {};\n' },
  ],
])(
  'an app that is named by %s is reported, and nothing is changed',
  async (_by, options, shown, more) => {
    const before = `const options = { target: 'node', app: 'server/main.ts' };\n`;
    const config = { 'vite.config.ts': vite(options, options === 'options' ? before : '') };
    await withFiles(withApps({ ...config, ...more }), async (directory, read) => {
      const ending = await cli(['init', directory]);
      expect(ending).toMatchObject({ code: 1, stdout: '' });
      expect(ending.stderr).toContain(
        `the app is named by \`${shown}\` in vite.config.ts, which init does not evaluate.`,
      );
      expect(ending.stderr).toContain(
        `such as \`import './braintrust.ts';\`. Nothing was changed.`,
      );
      expect(existsSync(join(directory, 'src/braintrust.ts'))).toBe(false);

      // Once it is written by hand, init states what it cannot see.
      writeFileSync(join(directory, 'src/braintrust.ts'), OURS);
      const { files, notes } = await init(directory);
      expect(files).toEqual([]);
      expect(notes[0]).toContain('it must import src/braintrust.ts in its first line');
      expect(read('server/main.ts')).toBe('export default {};\n');
    });
  },
);

test.each([
  ['a folder', `root: './web/',`, 'web'],
  ['this folder', `root: import.meta.dirname, test: { root: 'src' },`, ''],
])('sources are looked for in the root of Vite: %s', async (_what, member, folder) => {
  const inWeb = {
    'web/src/hello.ts': '',
    'web/flue.config.ts': `export default { app: 'server.ts' };\n`,
    'web/server.ts': 'export default {};\n',
  };
  const files = {
    ...inWeb,
    'src/hello.ts': '',
    'server.ts': 'export default {};\n',
    'flue.config.ts': `export default { app: 'server.ts' };\n`,
    'vite.config.ts': vite('').replace('plugins:', `${member} plugins:`),
  };
  await withFiles(files, async (directory, read) => {
    const { files: changed } = await init(directory);
    const at = (name: string) => join(folder, name);
    expect(changed.map(({ path }) => path)).toEqual([at('src/braintrust.ts'), at('server.ts')]);
    expect(read(at('server.ts'))).toBe(`import './src/braintrust.ts';\nexport default {};\n`);
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test('options of the plugin that stand elsewhere leave the usual app its import', async () => {
  const config = `import { flue } from '@flue/vite';\nconst plugin = flue(options);\n`;
  const files = { 'src/app.ts': 'export default {};\n', 'vite.config.ts': config };
  await withFiles(files, async (directory) => {
    const { files: changed } = await init(directory);
    expect(changed.map(({ path }) => path)).toEqual(['src/braintrust.ts', 'src/app.ts']);
  });
});

test('an app that is named and not there is reported, and nothing is changed', async () => {
  const config = vite(`{ app: 'server/gone.ts' }`);
  await withFiles(withApps({ 'vite.config.ts': config }), async (directory) => {
    const ending = await cli(['init', directory]);
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toBe(
      'flue-braintrust: server/gone.ts, which vite.config.ts names, is not there. Nothing was changed.\n',
    );
  });
});

const FILL = 'nodejs_compat_populate_process_env';
const EMPTY = 'nodejs_compat_do_not_populate_process_env';

test.each([
  [
    'an old compatibility date',
    'wrangler.jsonc',
    `{\n  // "compatibility_date": "2026-04-01", "${FILL}"\n  "main": "https://x", "compatibility_date": "2024-09-23"\n}`,
    'with the compatibility date 2024-09-23 in wrangler.jsonc, ',
    `Set the date to 2025-04-01 or later, or add the compatibility flag \`${FILL}\`.`,
  ],
  [
    'one in an environment',
    'wrangler.toml',
    `compatibility_date = "2026-04-01" # '${FILL}'\n[env.old]\ncompatibility_date = '2025-03-31'\n`,
    'with the compatibility date 2025-03-31 in wrangler.toml, ',
    'Set the date to 2025-04-01 or later',
  ],
  [
    'a flag that empties it',
    'wrangler.json',
    `{"compatibility_date":"2026-04-01","compatibility_flags":["nodejs_compat","${EMPTY}"]}`,
    `with the flag \`${EMPTY}\` in wrangler.json, `,
    'Remove that flag.',
  ],
])(
  '%s, with which `process.env` is empty in a Worker, is reported',
  async (_what, name, text, detail, advice) => {
    await withFiles({ 'src/app.ts': '', [name]: text }, async (directory) => {
      const last = (await init(directory)).notes.at(-1);
      expect(last).toContain(`Nothing will be traced: ${detail}`);
      expect(last).toContain(advice);
    });
  },
);

test.each([
  ['a date since when it is filled', '{"compatibility_date":"2025-04-01"}'],
  ['no date', '{"compatibility_flags":["nodejs_compat"]}'],
  [
    'a flag that fills it',
    `{"compatibility_date":"2024-09-23","compatibility_flags":["nodejs_compat","${FILL}"]}`,
  ],
  ['an old date in a comment', '{/* "compatibility_date": "2024-09-23" */}'],
])('a Worker with %s is not warned of', async (_what, text) => {
  await withFiles({ 'src/app.ts': '', 'wrangler.jsonc': text }, async (directory) => {
    expect((await init(directory)).notes.at(-1)).toContain(
      'For the deployed Worker, store the key',
    );
  });
});

const AGENT = `'use agent';\nimport { useModel } from '@flue/runtime';\nexport function Baker() {}\n`;

test('`flue run` needs a second import on Flue 2, which init offers and writes', async () => {
  const files = {
    'src/app.ts': '',
    'src/agents/baker.ts': AGENT,
    'src/agents/bare.ts': `'use agent'\nexport function Bare() {}\n`,
    'src/agents/traced.ts': `'use agent';\nimport '../setup.ts';\nexport function Traced() {}\n`,
    'src/setup.ts': `import './braintrust.ts';\n`,
  };
  await withFiles(files, async (directory, read) => {
    const { notes } = await init(directory);
    expect(notes).toEqual([
      "`flue run` loads no src/app.ts: to trace it, add `import '../braintrust.ts';` in src/agents/baker.ts, " +
        "`import '../braintrust.ts';` in src/agents/bare.ts, or run init with --flue-run.",
    ]);
    const { files: changed } = await init(directory, '--flue-run');
    expect(changed.map(({ path }) => path)).toEqual(['src/agents/baker.ts', 'src/agents/bare.ts']);
    expect(read('src/agents/baker.ts')).toBe(
      AGENT.replace('import {', "import '../braintrust.ts';\nimport {"),
    );
    expect(read('src/agents/bare.ts')).toBe(
      `'use agent'\nimport '../braintrust.ts';\nexport function Bare() {}\n`,
    );
    const again = await init(directory, '--flue-run');
    expect([again.files, again.notes]).toEqual([
      [],
      ['`flue run` is traced as well: the agents import the module.'],
    ]);
  });
});

test('`flue run` loads app.ts before Flue 2', async () => {
  const manifest = '{"dependencies":{"@flue/runtime":"1.0.0-beta.9"}}';
  await withFiles({ 'package.json': manifest, 'app.ts': '' }, async (directory) => {
    const { notes } = await init(directory, '--flue-run');
    expect(notes).toEqual(['`flue run` loads app.ts, too: it is traced as well.']);
  });
});

const flue = `import { observe } from '@flue/runtime';\n`;
const KEY = `initLogger({ projectName: 'P' });\n`;

test.each([
  [
    'the observer itself',
    `${flue}import { braintrustFlueObserver, initLogger } from 'braintrust';\n${KEY}observe(braintrustFlueObserver);\n`,
    `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';\n${KEY}instrument(braintrustFlueInstrumentation());\n`,
  ],
  [
    'a module that is partly migrated',
    `${flue}import { braintrustFlueObserver, initLogger } from 'flue-braintrust'\ninitLogger({ projectName: 'P' })\nobserve((event) => braintrustFlueObserver(event))\n`,
    `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust'\ninitLogger({ projectName: 'P' })\ninstrument(braintrustFlueInstrumentation())\n`,
  ],
  [
    'another name and another observer beside it',
    `import { instrument, observe as watch } from '@flue/runtime';\nimport * as bt from 'braintrust';\nbt.initLogger({ projectName: 'P' });\nwatch(console.log);\nwatch((e, c) => { bt.braintrustFlueObserver(e, c); });\n`,
    `import { instrument, observe as watch } from '@flue/runtime';\nimport * as bt from 'flue-braintrust';\nbt.initLogger({ projectName: 'P' });\nwatch(console.log);\ninstrument(bt.braintrustFlueInstrumentation());\n`,
  ],
  [
    'the default export, which the `braintrust` package has besides',
    `${flue}import t from 'braintrust';\nt.initLogger({ projectName: 'P' });\nobserve(t.braintrustFlueObserver);\n`,
    `import { instrument } from '@flue/runtime';\nimport * as t from 'flue-braintrust';\nt.initLogger({ projectName: 'P' });\ninstrument(t.braintrustFlueInstrumentation());\n`,
  ],
  [
    'all names by `import()`',
    `${flue}const bt = await import('braintrust');\nbt.initLogger({ projectName: 'P' });\nobserve(bt.braintrustFlueObserver);\n`,
    `import { instrument } from '@flue/runtime';\nconst bt = await import('flue-braintrust');\nbt.initLogger({ projectName: 'P' });\ninstrument(bt.braintrustFlueInstrumentation());\n`,
  ],
  [
    'all names by `require()`',
    `const { observe } = require('@flue/runtime');\nconst bt = require('braintrust');\nbt.initLogger({ projectName: 'P' });\nobserve(bt.braintrustFlueObserver);\n`,
    `const { instrument } = require('@flue/runtime');\nconst bt = require('flue-braintrust');\nbt.initLogger({ projectName: 'P' });\ninstrument(bt.braintrustFlueInstrumentation());\n`,
  ],
  [
    'CommonJS',
    `const { observe } = require("@flue/runtime");\nconst { braintrustFlueObserver, initLogger } = require("braintrust");\n${KEY}observe(function (event, ctx) {\n\tif (event.type !== "log") braintrustFlueObserver(event, ctx);\n});\n`,
    `const { instrument } = require("@flue/runtime");\nconst { braintrustFlueInstrumentation, braintrustFlueObserver, initLogger } = require("flue-braintrust");\n${KEY}instrument({\n\t...braintrustFlueInstrumentation(),\n\tobserve: function (event, ctx) {\n\t\tif (event.type !== "log") braintrustFlueObserver(event, ctx);\n\t},\n});\n`,
  ],
  [
    'a module that registers an instrumentation already',
    `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation, initLogger } from 'braintrust';\n${KEY}instrument(braintrustFlueInstrumentation());\n`,
    `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';\n${KEY}instrument(braintrustFlueInstrumentation());\n`,
  ],
  [
    'a filter with a bracket in a regular expression',
    `${flue}import { braintrustFlueObserver, initLogger } from 'braintrust';\n${KEY}observe((event, ctx) => {\n  if (!/[(/"]/.test(event.type)) braintrustFlueObserver(event, ctx);\n});\n`,
    `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation, braintrustFlueObserver, initLogger } from 'flue-braintrust';\n${KEY}instrument({\n  ...braintrustFlueInstrumentation(),\n  observe: (event, ctx) => {\n    if (!/[(/"]/.test(event.type)) braintrustFlueObserver(event, ctx);\n  },\n});\n`,
  ],
  [
    'a filter with a template in a template, whose lines stay',
    `${flue}import { braintrustFlueObserver, initLogger } from 'braintrust';\n${KEY}observe((event, ctx) => {\n  braintrustFlueObserver(event, ctx, \`\${event ? \`x)\n \${ctx}\` : ""}\`);\n});\n`,
    `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation, braintrustFlueObserver, initLogger } from 'flue-braintrust';\n${KEY}instrument({\n  ...braintrustFlueInstrumentation(),\n  observe: (event, ctx) => {\n    braintrustFlueObserver(event, ctx, \`\${event ? \`x)\n \${ctx}\` : ""}\`);\n  },\n});\n`,
  ],
])('%s becomes an instrumentation', async (_name, before, after) => {
  const ending = before.includes('require(') ? 'js' : 'ts';
  const app = before.includes('require(')
    ? `require('./braintrust.js');\n`
    : `import './braintrust';\n`;
  const files = { [`src/braintrust.${ending}`]: before, [`src/app.${ending}`]: app };
  await withFiles(files, async (directory, read) => {
    const { files: changed, notes } = await init(directory);
    expect(changed.map(({ path }) => path)).toEqual([`src/braintrust.${ending}`]);
    expect(read(`src/braintrust.${ending}`)).toBe(after);
    expect(notes).toEqual([RUN.replace('app.ts', `app.${ending}`)]);
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['its result is used', `export const stop = observe(braintrustFlueObserver);\n`],
  ['it is called twice', `observe(braintrustFlueObserver);\nobserve(braintrustFlueObserver);\n`],
  ['it has other arguments', `observe(braintrustFlueObserver, { only: ['turn'] });\n`],
  ['its result is used on the line above', `const stop =\n  observe(braintrustFlueObserver);\n`],
  ['it is in a list', `const all = [\n  observe(braintrustFlueObserver),\n];\n`],
])('a call of `observe` is left alone and reported if %s', async (_why, call) => {
  const before = `${flue}import { braintrustFlueObserver, initLogger } from 'braintrust';\n${KEY}${call}`;
  const files = { 'src/braintrust.ts': before, 'src/app.ts': `import './braintrust.ts';\n` };
  await withFiles(files, async (directory, read) => {
    const { notes } = await init(directory);
    expect(read('src/braintrust.ts')).toBe(before.replace("'braintrust'", "'flue-braintrust'"));
    expect(notes[0]).toContain(
      'src/braintrust.ts calls `observe` in a form that init leaves alone',
    );
  });
});

test('a project in CommonJS gets CommonJS', async () => {
  const app = `'use strict';\n\nconst { Hono } = require('hono');\nmodule.exports = new Hono();\n`;
  await withFiles({ 'src/app.cjs': app }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.cjs')).toBe(
      app.replace('const {', `require('./braintrust.cjs');\nconst {`),
    );
    expect(read('src/braintrust.cjs')).toBe(
      OURS.replace(
        `import { instrument } from '@flue/runtime';`,
        `const { instrument } = require('@flue/runtime');`,
      ).replace(
        `import { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';`,
        `const { braintrustFlueInstrumentation, initLogger } = require('flue-braintrust');`,
      ),
    );
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['no project', {}, 'there is no package.json'],
  ['no Flue project', { 'package.json': '{}' }, 'is not a Flue project'],
  ['a broken package.json', { 'package.json': '{' }, 'is not JSON'],
])('%s is reported', async (_what, files: Record<string, string>, problem) => {
  await withDirectory(async (directory) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const ending = await cli(['init', directory]);
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toContain(problem);
  });
});

test('where the project is elsewhere, the directory for the next step is named', async () => {
  await withFiles({ 'src/app.ts': 'export default {};\n' }, async (directory) => {
    const ending = await cli(['init'], { cwd: join(directory, 'src') });
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    const root = realpathSync(directory);
    expect(ending.stderr).toContain(`The nearest is in ${root}: run init there`);
    const above = await cli(['init', directory], { cwd: dirname(directory) });
    expect(above.stdout).toContain(
      `\nNext, in ${basename(directory)}, with BRAINTRUST_API_KEY set:`,
    );
    const here = await cli(['init'], { cwd: directory });
    expect(here.stdout).toContain('\nNext, with BRAINTRUST_API_KEY set:');
  });
});

describe('a workspace with the packages of all projects above', () => {
  const AGENT_PACKAGE = '{"dependencies":{"@flue/runtime":"^2.1.0"}}';
  const FILES = {
    'node_modules/@flue/runtime/package.json': '{"version":"2.1.0"}',
    'packages/agent/package.json': AGENT_PACKAGE,
    'packages/agent/src/hello.ts': `'use agent';\nexport function Hello() {}\n`,
    'packages/agent/node_modules/own/package.json': AGENT_PACKAGE,
    'packages/old/package.json': AGENT_PACKAGE,
    'packages/web/package.json': '{"dependencies":{"react":"19"}}',
    'packages/web/src/app.ts': `import React from 'react';\n`,
  };
  const PNPM = `packages:\n  # all but one\n  - "packages/*"\n  - '!packages/old'\ncatalog:\n  - packages/old\n`;
  const IN_BRACKETS = `packages: ["packages/*",\n  '!packages/old'] # all\n`;
  const COMMENTED = `\uFEFF'packages': # all\n- packages/agent # one\n# - packages/old\n`;

  test.each([
    ['npm', { 'package.json': '{"workspaces":["packages/*","!packages/old"]}' }],
    [
      'yarn',
      { 'package.json': '{"workspaces":{"packages":["./packages/agent/","packages/web"]}}' },
    ],
    ['pnpm', { 'package.json': '{"private":true}', 'pnpm-workspace.yaml': PNPM }],
    ['pnpm, in brackets', { 'package.json': '{}', 'pnpm-workspace.yaml': IN_BRACKETS }],
    ['pnpm, with comments', { 'package.json': '{}', 'pnpm-workspace.yaml': COMMENTED }],
  ])('of %s: the root and a neighbour are no Flue projects', async (_manager, root) => {
    await withFiles({ ...FILES, ...root }, async (directory, read) => {
      const refused = async (name: string, problem: string) => {
        const ending = await cli(['init', join(directory, name)]);
        expect(ending).toMatchObject({ code: 1, stdout: '' });
        expect(ending.stderr).toBe(
          `flue-braintrust: ${join(directory, name)} is not a Flue project: ${problem}\n`,
        );
      };
      const lacksFlue = 'it does not depend on @flue/runtime';
      const advice = '. Run init in a Flue project of the workspace: packages/agent';
      await refused('', lacksFlue + advice);
      await refused('packages/web', lacksFlue);
      expect(read('packages/web/src/app.ts')).toBe(FILES['packages/web/src/app.ts']);

      const manifest = JSON.parse(read('package.json'));
      const dependent = { ...manifest, devDependencies: { '@flue/runtime': '^2.1.0' } };
      writeFileSync(join(directory, 'package.json'), JSON.stringify(dependent));
      await refused('', `it has no sources of its own${advice}`);
      expect(existsSync(join(directory, 'braintrust.ts'))).toBe(false);

      const { files } = await init(join(directory, 'packages/agent'));
      expect(files.map(({ path }) => path)).toEqual(['src/braintrust.ts', 'src/app.ts']);
    });
  });
});

describe('files that are not plain text in UTF-8', () => {
  const APP = `import { Hono } from 'hono';\n// Gärtner\nexport default new Hono();\n`;
  const LEFT = (encoding: string) =>
    `src/app.ts was left alone, as it is ${encoding}: add \`import './braintrust.ts';\`.`;
  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${APP}`)],
    ['UTF-16', Buffer.from(`\ufeff${APP}`, 'utf16le')],
    ['UTF-16', Buffer.from(`\ufeff${APP}`, 'utf16le').swap16()],
    ['not UTF-8', Buffer.from(APP, 'latin1')],
    ['no text in UTF-8', Buffer.from(`${APP}\0`)],
  ])('an app.ts that is %s is left alone, and the change stated', async (encoding, bytes) => {
    await withFiles({ 'src/app.ts': '' }, async (directory, read) => {
      writeFileSync(join(directory, 'src/app.ts'), bytes);
      const { files, notes } = await init(directory);
      expect(files.map(({ path }) => path)).toEqual(['src/braintrust.ts']);
      expect(notes[0]).toBe(LEFT(encoding));
      expect(readFileSync(join(directory, 'src/app.ts'))).toEqual(bytes);
      expect(read('src/braintrust.ts')).toBe(OURS);
      const again = await cli(['init', directory]);
      expect(again.stdout).not.toContain('Nothing to change');
    });
  });

  test('of a module of the official package, the import is stated, and the package stays', async () => {
    await withFiles({ 'src/app.ts': `import './braintrust.ts';\n` }, async (directory) => {
      const file = join(directory, 'src/braintrust.ts');
      writeFileSync(file, `\ufeff${OFFICIAL}`);
      const { files, commands, notes } = await init(directory);
      expect(files).toEqual([]);
      expect(notes[0]).toContain(
        'src/braintrust.ts was left alone, as it is UTF-8 with a byte order mark: change',
      );
      expect(notes[0]).toContain(`from 'flue-braintrust';`);
      expect(commands.join()).not.toContain('uninstall');
      expect(readFileSync(file, 'utf8')).toBe(`\ufeff${OFFICIAL}`);
    });
  });
});

unixTest(
  'what cannot be read is left out with a note, or reported in one line where init would write',
  async () => {
    await withFiles(
      { 'src/app.ts': `import './braintrust.ts';\n`, 'src/agents/a.ts': '' },
      async (directory) => {
        const at = (name: string) => join(directory, name);
        symlinkSync('nowhere', at('src/link.ts'));
        symlinkSync('circle.ts', at('src/circle.ts'));
        mkdirSync(at('src/folder.ts'));
        symlinkSync('agents', at('src/agents.ts'));
        await finished('mkfifo', [at('src/pipe.ts')], {}, directory);
        mkdirSync(at('Dockerfile'));
        mkdirSync(at('tsconfig.json'));
        mkdirSync(at('.env.example'));
        mkdirSync(at('node_modules/@flue/runtime'), { recursive: true });
        writeFileSync(at('node_modules/@flue/runtime/package.json'), '\ufeff{"version":"2.1.0",');
        const { files, notes } = await init(directory);
        expect(files.map(({ path }) => path)).toEqual(['src/braintrust.ts']);
        expect(notes.filter((note) => note.includes('cannot be read')).toSorted()).toEqual([
          '.env.example cannot be read: it is a folder.',
          'src/agents.ts was left out, as it cannot be read: it is a folder.',
          'src/circle.ts was left out, as it cannot be read: its links lead in a circle.',
          'src/link.ts was left out, as it cannot be read: it is a link to nowhere.',
          'src/pipe.ts was left out, as it cannot be read: it is not a file.',
        ]);

        const refused = async (problem: string) => {
          const { code, stdout, stderr } = await cli(['init', directory]);
          expect({ code, stdout, stderr }).toEqual({
            code: 1,
            stdout: '',
            stderr: `flue-braintrust: ${problem}\n`,
          });
        };
        rmSync(at('src/app.ts'));
        rmSync(at('src/braintrust.ts'));
        mkdirSync(at('src/app.ts'));
        await refused('src/app.ts cannot be read: it is a folder. Nothing was changed.');
        expect(existsSync(at('src/braintrust.ts'))).toBe(false);
        rmSync(at('src/app.ts'), { recursive: true });
        symlinkSync('nowhere', at('src/braintrust.mts'));
        await refused(
          'src/braintrust.mts cannot be read: it is a link to nowhere. Nothing was changed.',
        );
        for (const text of ['[]', 'null', '"x"', '{"a":1', '']) {
          writeFileSync(at('package.json'), text);
          await refused(`the package.json in ${directory} is not JSON. Nothing was changed.`);
        }
        rmSync(at('package.json'));
        mkdirSync(at('package.json'));
        await refused(
          `the package.json in ${directory} cannot be read: it is a folder. Nothing was changed.`,
        );
      },
    );
  },
);

/** For whom nothing is unreadable. */
const isRoot = process.getuid?.() === 0;

unixTest('folders and files that may not be read are named', async () => {
  await withFiles(
    { 'src/app.ts': '', 'src/secret/a.ts': '', 'src/b.ts': '' },
    async (directory) => {
      const at = (name: string) => join(directory, name);
      for (const name of ['.', 'src', 'src/app.ts', 'package.json'])
        chmodSync(at(name), name.includes('.t') || name.includes('.j') ? 0o666 : 0o777);
      chmodSync(at('src/secret'), 0);
      chmodSync(at('src/b.ts'), 0);
      // A user without rights has no packages of this directory's owner: only Node and the program.
      const as = isRoot
        ? ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath]
        : [];
      const run = (...args: string[]) =>
        isRoot
          ? finished('setpriv', [...as, CLI, 'init', directory, ...args], {}, '/')
          : cli(['init', directory, ...args]);
      const { code, stdout, stderr } = await run('--json', '--dry-run');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout).notes.slice(-2)).toEqual([
        'src/b.ts was left out, as it cannot be read: it may not be read.',
        'src/secret was left out, as it cannot be read: it may not be read.',
      ]);
      chmodSync(at('src/app.ts'), 0);
      expect(await run()).toMatchObject({
        code: 1,
        stderr:
          'flue-braintrust: src/app.ts cannot be read: it may not be read. Nothing was changed.\n',
      });
      chmodSync(at('src'), 0);
      expect(await run()).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^flue-braintrust: .*\n$/),
      });
      for (const name of ['src', 'src/secret', 'src/b.ts']) chmodSync(at(name), 0o700);
    },
  );
});

unixTest.each([
  ['one name', () => {}],
  // Such a file is written in its place.
  ['two names', (file: string) => linkSync(file, `${file}.other`)],
])('a file that cannot be written keeps what it has, with %s', async (_names, prepare) => {
  await withFiles({ 'src/app.ts': `export default 1;\n`.repeat(500) }, async (directory, read) => {
    const before = read('src/app.ts');
    prepare(join(directory, 'src/app.ts'));
    writeFileSync(join(directory, 'src/braintrust.ts'), OURS);
    // No file may be longer than 8 blocks of 512 bytes.
    const line = `ulimit -f 8; exec '${process.execPath}' '${CLI}' init '${directory}'`;
    const { code, stderr } = await finished('sh', ['-c', `trap '' XFSZ; ${line}`], {}, '/');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^flue-braintrust: src\/app\.ts cannot be written: .*\. Nothing was changed\.\n$/,
      ),
    });
    expect(read('src/app.ts')).toBe(before);
  });
});

unixTest.each([
  ['is not there', undefined],
  ['is there', OFFICIAL],
])(
  'of several files one that cannot be written changes none, if the module %s',
  async (_what, module) => {
    const files = { 'src/app.ts': `export default 1;\n`.repeat(500) };
    const all = { ...files, ...(module && { 'src/braintrust.ts': module }) };
    await withFiles(all, async (directory, read) => {
      const line = `ulimit -f 8; exec '${process.execPath}' '${CLI}' init '${directory}'`;
      const { code, stderr } = await finished('sh', ['-c', `trap '' XFSZ; ${line}`], {}, '/');
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^flue-braintrust: src\/app\.ts .* Nothing was changed\.\n$/),
      });
      expect(readdirSync(join(directory, 'src')).map((name) => `src/${name}`)).toEqual(
        Object.keys(all),
      );
      for (const [name, text] of Object.entries(all)) expect(read(name)).toBe(text);
    });
  },
);

unixTest('a changed file keeps its owner, its mode and its other names', async () => {
  await withDirectory(async (directory) => {
    const [file, other] = [join(directory, 'a.ts'), join(directory, 'b.ts')];
    writeFileSync(file, 'before, and longer\n');
    chmodSync(file, 0o640);
    // Only root can give files away: as in a container that mounts the project.
    if (isRoot) chownSync(file, 65534, 65533);
    const { uid, gid, mode } = statSync(file);
    replaceFile(file, 'after\n');
    expect(statSync(file)).toMatchObject({ uid, gid, mode });
    linkSync(file, other);
    replaceFile(file, 'once more\n');
    replaceFile(file, 'last\n');
    expect(readFileSync(other, 'utf8')).toBe('last\n');
    expect(readdirSync(directory).toSorted()).toEqual(['a.ts', 'b.ts']);
  });
});

test.each([
  ['a template', 'console.log(`${observe((event) => print(event))}`);'],
  ['a choice', 'export const watch = isOn ? observe: undefined;'],
  ['a member of another object', 'export const own = { watch: observe };'],
])('an import stays that %s uses', (_where, use) => {
  const before = `import { observe } from '@flue/runtime';
import { braintrustFlueObserver } from 'flue-braintrust';
observe(braintrustFlueObserver);
${use}
`;
  const after = instrumented(before) ?? '';
  expect(after).toContain(`import { instrument, observe } from '@flue/runtime';`);
  expect(after).toContain(`instrument(braintrustFlueInstrumentation());\n${use}\n`);
});
