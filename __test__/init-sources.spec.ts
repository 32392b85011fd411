import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exportedAgents } from '../tools/init/agents';
import { aliasesOf, targetsOf } from '../tools/init/aliases';
import { partsOf, withoutTexts } from '../tools/init/lexer';
import { cli } from './support/cli';
import { init, withFiles } from './support/init';

test.each([
  [
    'a template in the code of a template',
    'a(`x ${f(`)${{ b: 1 }}`)} y`);',
    'a(`   {f(`  {{ b: 1 }}`)}  `);',
  ],
  ['a dollar sign before code', '`$a$$${b}`', '`     {b}`'],
  ['quotes and brackets in a regular expression', `a(/['"\`)/*]/g, 'b');`, `a(/        /g, ' ');`],
  ['a regular expression after a keyword', `return /\\/'/.test(a)`, `return /   /.test(a)`],
  ['a division', `a = b / c; // it's\nd /= 'e'`, `a = b / c;        \nd /= ' '`],
  ['a regular expression after a condition', 'if (a(b)) /`+/.test(c)', 'if (a(b)) /  /.test(c)'],
  [
    'regular expressions after a block and a keyword',
    'a = () => {}\n/`/.test(b); export default /`/',
    'a = () => {}\n/ /.test(b); export default / /',
  ],
  ['a regular expression that is compared', 'a < /`/.exec(b).length', 'a < / /.exec(b).length'],
  [
    'a division of what is counted',
    'a++ / 2; // it`s\nb--\n/ 2; // `',
    'a++ / 2;        \nb--\n/ 2;     ',
  ],
  ['a regular expression that is spread', '[.../`/.exec(a)]', '[.../ /.exec(a)]'],
  ['a division of what is not null', `a()! / 2; // b('c')`, `a()! / 2;          `],
  [
    'a backtick between tags',
    "<p>Don't use ` here</p>;\nb('c')",
    "<p>Don't use ` here</p>;\nb(' ')",
  ],
  ['backticks that nothing ends', "`${`a ${b('c')", "`${`a ${b(' ')"],
  [
    'a string before a quote in the code of a template that nothing ends',
    "` a('b') ${c /[ don't",
    "` a(' ') ${c /[ don't",
  ],
  ['a regular expression in a class that nothing ends', "a = /[ =/'/", 'a = /[ =/ /'],
  ['the end of a tag in a line of its own', "<a\n  b={c}\n/>; d('/')", "<a\n  b={c}\n/>; d(' ')"],
  ['tags', `<p>{a}</p>;\nb('c')`, `<p>{a}</p>;\nb(' ')`],
  ['the line of a script', `#!/bin/sh "it's'\nb('c')`, `                \nb(' ')`],
  [
    'a string that goes on after its line',
    `a('b\\\r\nc', d)`,
    `a('    \n ', d)`.replace('    ', '   '),
  ],
])('%s is distinguished from the code around it', (_what, source, code) => {
  expect(withoutTexts(source)).toBe(code);
});

const MODULE = `import { instrument } from '@flue/runtime';\nimport { braintrustFlueInstrumentation } from 'flue-braintrust';\ninstrument(braintrustFlueInstrumentation());\n`;
const paths = (members: object, more: object = {}) =>
  JSON.stringify({ compilerOptions: { paths: members, ...more } });

test.each([
  ['`paths` of TypeScript', '@/braintrust', { 'tsconfig.json': paths({ '@/*': ['./src/*'] }) }],
  [
    '`paths` in a file with comments and commas too many',
    '~/setup/braintrust.js',
    {
      'tsconfig.json': `{ // "paths": {}\n  "compilerOptions": { "paths": { /* a */ "~/setup/*": ["src/*"], }, },\n}`,
    },
  ],
  [
    '`paths` below a `baseUrl`',
    'app/braintrust',
    { 'tsconfig.json': paths({ 'app/*': ['*'] }, { baseUrl: './src' }) },
  ],
  [
    '`paths` of a configuration that is extended',
    '#tracing',
    {
      'tsconfig.json': '{"extends":["./config/base"]}',
      'config/base.json': paths({ '#tracing': ['../src/braintrust.ts'] }),
    },
  ],
  [
    '`paths` of a package that is extended',
    '$/braintrust',
    {
      'tsconfig.json': '{"extends":"@acme/tsconfig/node.json"}',
      'node_modules/@acme/tsconfig/node.json': paths({ '$/*': ['${configDir}/src/*'] }),
    },
  ],
  [
    '`paths` of a configuration that is referred to',
    '@app/braintrust',
    {
      'tsconfig.json': '{"files":[],"references":[{"path":"./tsconfig.app.json"}]}',
      'tsconfig.app.json': paths({ '@app/*': ['./src/*'] }),
    },
  ],
  [
    '`paths` that are inherited, below a `baseUrl` of the project',
    '$/braintrust',
    {
      'tsconfig.json': '{"extends":"./config/base.json","compilerOptions":{"baseUrl":"./src"}}',
      'config/base.json': paths({ '$/*': ['./*'] }),
    },
  ],
  [
    '`paths` that two configurations which are referred to inherit from one',
    '$/braintrust',
    {
      'tsconfig.json': '{"references":[{"path":"./lib"},{"path":"./src"}]}',
      'lib/tsconfig.json': '{"extends":"../base.json"}',
      'src/tsconfig.json': '{"extends":"../base.json"}',
      'base.json': paths({ '$/*': ['${configDir}/*'] }),
    },
  ],
  [
    '`paths` of JavaScript',
    '@app/braintrust',
    { 'jsconfig.json': paths({ '@app/*': ['./src/*'] }) },
  ],
  ['`baseUrl`', 'src/braintrust', { 'tsconfig.json': paths({}, { baseUrl: '.' }) }],
  [
    '`imports` of package.json',
    '#braintrust',
    {
      'package.json': JSON.stringify({
        imports: { '#braintrust': { types: './src/braintrust.ts', default: './dist/x.js' } },
        dependencies: { '@flue/runtime': '^2.1.0' },
      }),
    },
  ],
  [
    '`imports` of package.json with a pattern',
    '#src/braintrust.js',
    {
      'package.json': JSON.stringify({
        imports: { '#src/*.js': './src/*.ts' },
        dependencies: { '@flue/runtime': '^2.1.0' },
      }),
    },
  ],
  ['the configuration of a bundler, as usual', '@/braintrust', {}],
])('an import by a name of %s is one', async (_what, specifier, more) => {
  const files = {
    'src/app.ts': `import '${specifier}';\nexport default {};\n`,
    'src/braintrust.ts': MODULE,
    'src/agents/a.ts': `'use agent';\nimport '${specifier}';\nexport function A() {}\n`,
    ...more,
  };
  await withFiles(files, async (directory) => {
    expect(await init(directory, '--flue-run')).toMatchObject({ files: [] });
  });
});

test('the last of several configurations that are extended replaces the `paths` of the others', async () => {
  const files = {
    'src/app.ts': `import '$/braintrust';\nexport default {};\n`,
    'src/braintrust.ts': MODULE,
    'tsconfig.json': '{"extends":["./a.json","./b.json"]}',
    'a.json': paths({ '$/*': ['./src/*'] }),
    'b.json': paths({ '#/*': ['./src/*'] }),
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toMatch(/^import '\.\/braintrust';\n/);
  });
});

test.each([
  ['the whole name', '@/a', ['src/exact.ts']],
  ['the longest beginning', '@/lib/a', ['lib/a']],
  ['its only one, wherever that has the rest of the name', '#a', ['./src/a/a.ts']],
])('an import stands for the alias that states %s', (_which, from, targets) => {
  const stated = { '@/*': ['src/*'], '@/a': ['src/exact.ts'], '@/lib/*': ['lib/*'] };
  const imports = { '#*': './src/*/*.ts' };
  const aliases = aliasesOf({ imports }, { isWhole: true, options: {}, paths: stated }, 'src');
  expect(targetsOf({ aliases, dependencies: {} }, from)).toEqual(targets);
});

test('the package that is to be replaced is not a module of `baseUrl`', async () => {
  const files = {
    'src/app.ts': `import { Span } from 'braintrust';\nexport default {};\n`,
    'src/braintrust.ts': MODULE,
    'tsconfig.json': paths({ '*': ['./src/*'] }, { baseUrl: './src' }),
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toMatch(/^import '\.\/braintrust';\n/);
  });
});

test('an import of types, each by itself, does not run the module', async () => {
  const app = `import { type Fields, type Other as Another } from './braintrust';\n`;
  await withFiles({ 'src/app.ts': app, 'src/braintrust.ts': MODULE }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`import './braintrust';\n${app}`);
  });
});

test.each([
  `type Options = import('./braintrust').Options;\n`,
  `const load = async (module: typeof import('./braintrust')) => module;\n`,
  `import type Tracing = require('./braintrust');\n`,
])('a call that is a type does not run the module: %s', async (app) => {
  await withFiles({ 'src/app.ts': app, 'src/braintrust.ts': MODULE }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toMatch(/^(?:import |require\()'\.\/braintrust/);
  });
});

test.each([
  `void import('./braintrust').then((module) => module);\n`,
  `module.exports = { ...require('./braintrust') };\n`,
])('a call runs the module: %s', async (app) => {
  await withFiles({ 'src/app.ts': app, 'src/braintrust.ts': MODULE }, async (directory) => {
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['.js', { extends: './base.json' }, { module: 'nodenext' }],
  ['', { extends: './base.json' }, { module: 'esnext', moduleResolution: 'bundler' }],
  ['.ts', { extends: './base.json' }, { module: 'nodenext', allowImportingTsExtensions: true }],
  ['.ts', { extends: './gone.json' }, {}],
])('a new import ends in "%s" with a configuration of %j and %j', async (ending, own, base) => {
  const files = {
    'src/app.ts': 'export default {};\n',
    'tsconfig.json': JSON.stringify(own),
    'base.json': JSON.stringify({ compilerOptions: base }),
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`import './braintrust${ending}';\nexport default {};\n`);
  });
});

test('configurations that extend the same one are whole', async () => {
  const files = {
    'src/app.ts': 'export default {};\n',
    'tsconfig.json': '{"extends":["./a.json","./b.json"]}',
    'a.json': '{"extends":"./base.json"}',
    'b.json': '{"extends":"./base.json"}',
    'base.json': '{"compilerOptions":{"module":"nodenext"}}',
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toMatch(/^import '\.\/braintrust\.js';\n/);
  });
});

test('a long module is read', () => {
  const text = `'use agent';\nlet x: Foo\nexport function Big() {\n${`  call('some text');\n`.repeat(20_000)}}\n`;
  expect(exportedAgents(text)).toEqual([{ exported: 'Big', local: 'Big', identity: 'Big' }]);
});

test('a text of megabytes can be read', () => {
  const text = 'a'.repeat(16_000_000);
  const end = text.length + 1;
  expect(partsOf(`"${text}"`)).toEqual([{ start: 1, end, kind: 'quoted' }]);
});

test.each([
  ['a line of quotes that nothing ends', `"${'\\"'.repeat(100_000)}`],
  ['a list of many variables', 'const a = (b) + c;\n'.repeat(10_000)],
])('%s can be read', (_what, text) => {
  expect(exportedAgents(`${text}\nexport function Big() {}\n`)).toHaveLength(1);
});

test.each([
  ['a line of slashes and of classes that nothing ends', '/['.repeat(100_000)],
  ['a line of classes in a class', `${'=/[('.repeat(100_000)} ] (`],
  ['a line of comments that nothing ends', '/* '.repeat(100_000)],
  ['a line of backticks that nothing ends', '\\`'.repeat(100_000)],
  ['a regular expression of megabytes', `a = /[${'b'.repeat(8_000_000)}]${'c'.repeat(8_000_000)}/`],
])('%s hides no text behind it', (_what, line) => {
  expect(withoutTexts(`${line}\nb('c')`).slice(line.length)).toBe(`\nb(' ')`);
});

test('a module with a long comment may set variables', async () => {
  const text = `export function one() {}\n// ${'word '.repeat(40_000)}\n`;
  const files = {
    'src/app.ts': `import './env.ts';\n`,
    'src/env.ts': `${text}process.loadEnvFile();\n`,
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`import './env.ts';\nimport './braintrust.ts';\n`);
  });
});

test('each of many modules is read once', async () => {
  const names = Array.from({ length: 600 }, (_, at) => `src/m${at}.ts`);
  const imports = names.map((name) => `import './${name.slice(4)}';\n`).join('');
  const files = Object.fromEntries(names.map((name) => [name, imports]));
  await withFiles({ ...files, 'src/app.ts': imports }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toBe(`import './braintrust.ts';\n${imports}`);
  });
});

const OBSERVER = `import { observe } from '@flue/runtime';\nimport { braintrustFlueObserver, initLogger } from 'braintrust';\n`;
const ALL = `import * as bt from 'braintrust';\nbt.initLogger();\nobserve(bt.braintrustFlueObserver);\n`;

test.each([
  ['a name in brackets', `${ALL}bt['Eval']('x', {});\n`, 'uses `Eval` of'],
  ['a member that may be absent', `${ALL}bt?.Eval('x', {});\n`, 'uses `Eval` of'],
  ['a member in a template', `${ALL}const a = \`\${bt.Eval}\`;\n`, 'uses `Eval` of'],
  ['a pattern', `${ALL}const { Eval, traced } = bt;\n`, 'uses `Eval` of'],
  [
    'a pattern with the rest',
    `${ALL}const { traced, ...rest } = bt;\n`,
    '`const { traced, ...rest } = bt;`',
  ],
  ['a computed name', `${ALL}bt[name]();\n`, '`bt[name]();`'],
  ['all of it as a value', `${ALL}patch(bt);\n`, '`patch(bt);`'],
  ['an export of all', `${OBSERVER}export * from 'braintrust';\n`, '`export *`'],
  [
    'an export of all by a name',
    `${OBSERVER}export * as bt from 'braintrust';\n`,
    '`export * as bt`',
  ],
  ['an export by a name', `${ALL}export { bt };\n`, '`export { bt };`'],
  [
    'a member of `require()`',
    `${OBSERVER}const Eval = require('braintrust').Eval;\n`,
    'uses `Eval` of',
  ],
  [
    'a member of `import()`',
    `${OBSERVER}const run = (await import('braintrust')).Eval;\n`,
    'uses `Eval` of',
  ],
  [
    'a function after `import()`',
    `${OBSERVER}import('braintrust').then((all) => all.Eval());\n`,
    'uses `Eval` of',
  ],
  [
    'a pattern after `import()`',
    `${OBSERVER}import('braintrust').then(({ Eval }) => Eval());\n`,
    'uses `Eval` of',
  ],
  [
    'a later assignment',
    `${OBSERVER}let all;\nall = require('braintrust');\nall.Eval();\n`,
    'uses `Eval` of',
  ],
  [
    'a second variable',
    `${OBSERVER}const a = 1, all = require('braintrust');\nall.Eval();\n`,
    'uses `Eval` of',
  ],
  [
    'an import of TypeScript',
    `${OBSERVER}import all = require('braintrust');\nall.Eval();\n`,
    'uses `Eval` of',
  ],
  [
    'the default export beside all',
    `${OBSERVER}import it, * as all from 'braintrust';\n`,
    '`import it, * as all`',
  ],
  [
    'the default export beside names',
    `import it, {\n  braintrustFlueObserver } from 'braintrust';\nobserve(braintrustFlueObserver);\n`,
    '`import it, { braintrustFlueObserver }`',
  ],
  [
    'a promise that is passed on',
    `${OBSERVER}load(import('braintrust'));\n`,
    "`load(import('braintrust'));`",
  ],
])('%s that cannot be replaced is named, and nothing is changed', async (_form, text, problem) => {
  await withFiles({ 'src/braintrust.ts': text }, async (directory, read) => {
    const ending = await cli(['init', directory]);
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toContain(problem);
    expect(ending.stderr).toContain('and run init again. Nothing was changed.\n');
    expect(read('src/braintrust.ts')).toBe(text);
  });
});

test.each([
  ['a name in brackets', `${ALL}bt['traced'](work, { bt: 1 });\n`],
  ['a pattern', `${ALL}const { traced: run, flush = null } = bt;\n`],
  ['a member of `import()`', `${OBSERVER}const run = (await import('braintrust')).traced;\n`],
  [
    'a function after `import()`',
    `${OBSERVER}await import('braintrust').then((all) => all.flush());\n`,
  ],
  ['a type', `${OBSERVER}let span: import('braintrust').Span;\n`],
  [
    'a module in a template without code',
    `${OBSERVER}const { traced } = await import(\`braintrust\`);\n`,
  ],
  [
    'a member or a parameter of its name',
    `${ALL}interface A {\n  a: 1;\n  bt?: string;\n}\nconst f = (bt: 1) => 1;\n`,
  ],
  [
    'a module that a test replaces',
    `${OBSERVER}vi.mock('braintrust', async () => vi.importActual<object>('braintrust'));\n`,
  ],
  ['imports without semicolons', `export { a }\n${OBSERVER.replaceAll(';', '')}`],
])('%s that can be replaced is', async (_form, text) => {
  const manifest = '{"dependencies":{"@flue/runtime":"0.11.1"}}';
  const files = { 'package.json': manifest, 'src/braintrust.ts': text };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/braintrust.ts')).toBe(
      text.replaceAll(/(?<=['`])braintrust/g, 'flue-braintrust'),
    );
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each([
  ['another module', `import { braintrustFlueObserver } from './all.ts';\n`],
  ['a part of the package', `import { braintrustFlueObserver } from 'braintrust/node';\n`],
])('an observer by way of %s is not doubled', async (_way, text) => {
  const files = {
    'src/app.ts': 'export default {};\n',
    'src/all.ts': `export * from 'braintrust';\n`,
    'src/tracing.ts': `${text}observe(braintrustFlueObserver);\n`,
  };
  await withFiles(files, async (directory) => {
    const ending = await cli(['init', directory]);
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toContain('src/tracing.ts has the observer of Braintrust by way of');
    expect(existsSync(join(directory, 'src/braintrust.ts'))).toBe(false);
  });
});

test('modules that a test replaces or Node looks for keep the package', async () => {
  const files = {
    'package.json': '{"dependencies":{"@flue/runtime":"^2.1.0","braintrust":"^3.0.0"}}',
    'src/app.ts': '',
    'src/a.test.ts': `vi.mock('braintrust', () => ({}));\n`,
    'src/b.ts': `const file = require.resolve('braintrust');\n`,
    'src/c.ts': `describe('braintrust', () => {});\n// import('braintrust')\n`,
    'src/d.tsx': `<p>\`</p>;\nexport * from 'braintrust/node';\n<p>\`</p>;\n`,
  };
  await withFiles(files, async (directory) => {
    const { commands, notes } = await init(directory);
    expect(commands).toEqual(['npm install flue-braintrust']);
    const kept = notes.filter((note) => note.includes('goes on with'));
    expect(kept.map((note) => note.split(' ')[0])).toEqual([
      'src/a.test.ts',
      'src/b.ts',
      'src/d.tsx',
    ]);
  });
});

test.each([
  [
    'is loaded by a function',
    '',
    `module.exports = () => {\n  const { Hono } = require('hono');\n};\n`,
  ],
  ['sets variables', `require('dotenv/config');\n`, `module.exports = {};\n`],
  [
    'sets variables by a function',
    `require('dotenv').config({\n  quiet: true,\n});\n`,
    `const { Hono } = require('hono');\n`,
  ],
  [
    'is a variable for that',
    `const dotenv = require('dotenv');\ndotenv.config();\n`,
    `const { Hono } = require('hono');\nmodule.exports = new Hono();\n`,
  ],
  [
    'is a variable of another name',
    `const env = require('dotenv-flow');\nenv.config({ silent: true });\n`,
    `const { Hono } = require('hono');\nmodule.exports = new Hono();\n`,
  ],
  [
    'has a function for that',
    `const { config: load } = require('dotenv');\nload();\n`,
    `const { Hono } = require('hono');\nmodule.exports = new Hono();\n`,
  ],
  ["sets variables by Node's function", `process.loadEnvFile();\n`, `module.exports = {};\n`],
  [
    'has the function of Node for that',
    `const { loadEnvFile: load } = require('node:process');\nload();\n`,
    `module.exports = {};\n`,
  ],
  [
    'does so within a statement of several lines',
    `const config = require('./env') || {\n  port: 1,\n};\n`,
    `module.exports = config;\n`,
  ],
  ['does so by a chain of calls', `require('dotenv')\n  .config();\n`, `module.exports = {};\n`],
  ['is not there', `'use strict';\n`, `exports.default = {};\n`],
])('the tracing of a CommonJS app starts in time if a module %s', async (_what, before, after) => {
  const env = `require('dotenv').config();\nmodule.exports = {};\n`;
  await withFiles({ 'src/app.js': before + after, 'src/env.js': env }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.js')).toBe(`${before}require('./braintrust.js');\n${after}`);
    expect(read('src/braintrust.js')).toContain(`require('flue-braintrust')`);
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test('the `require` of a CommonJS app comes behind the end of a comment', async () => {
  const before = `require('dotenv').config(); /* sets\n   variables */\n`;
  const after = `module.exports = {};\n`;
  await withFiles({ 'src/app.cjs': before + after }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.cjs')).toBe(`${before}require('./braintrust.cjs');\n${after}`);
  });
});

test.each([
  ['a comment for the next line', `// @ts-expect-error none\nexport default app;\n`],
  [
    'an import in a declaration',
    `declare module 'hono' {\n  import type { A } from './a.ts';\n}\n`,
  ],
])('the import of an app precedes %s', async (_what, app) => {
  await withFiles({ 'src/app.ts': app }, async (directory, read) => {
    await init(directory);
    expect(read('src/app.ts')).toMatch(/^import '\.\/braintrust(?:\.ts)?';\n/);
    expect(read('src/app.ts')).toContain(app);
  });
});

const WATCH = `observe(braintrustFlueObserver);\n`;
const FILTER = '(event) => event.ok && braintrustFlueObserver(event)';

test.each([
  [
    'another import',
    `import { instrument } from './otel.ts';\n${OBSERVER}${WATCH}`,
    `import { instrument as instrumentFlue } from '@flue/runtime';`,
    'instrumentFlue(braintrustFlueInstrumentation());',
  ],
  [
    'a function',
    `${OBSERVER}${WATCH}function instrument() {}\n`,
    `import { instrument as instrumentFlue } from '@flue/runtime';`,
    'instrumentFlue(braintrustFlueInstrumentation());',
  ],
  [
    'a variable of CommonJS',
    `const { instrument } = require('./otel.js');\nconst { observe } = require('@flue/runtime');\nconst { braintrustFlueObserver } = require('braintrust');\n${WATCH}`,
    `const { instrument: instrumentFlue } = require('@flue/runtime');`,
    'instrumentFlue(braintrustFlueInstrumentation());',
  ],
  [
    'nothing, as Flue has another name',
    `${OBSERVER.replace('{ observe }', '{ observe, instrument as watch }')}watch({});\n${WATCH}`,
    `import { instrument as watch } from '@flue/runtime';`,
    'watch(braintrustFlueInstrumentation());',
  ],
])(
  '`instrument` that stands for %s is not taken for that of Flue',
  async (_what, text, ...lines) => {
    const files = { 'src/app.ts': `import './tracing.ts';\n`, 'src/tracing.ts': text };
    await withFiles(files, async (directory, read) => {
      await init(directory);
      for (const line of lines) expect(read('src/tracing.ts')).toContain(line);
      expect(await init(directory)).toMatchObject({ files: [] });
    });
  },
);

test('a result of `observe` that a function gives stays that of `observe`', async () => {
  const text = `${OBSERVER}export const start = () =>\n  ${WATCH}`;
  await withFiles(
    { 'src/app.ts': `import './tracing.ts';\n`, 'src/tracing.ts': text },
    async (directory, read) => {
      const { notes } = await init(directory);
      expect(read('src/tracing.ts')).toBe(text.replace("'braintrust'", "'flue-braintrust'"));
      expect(notes[0]).toContain('in a form that init leaves alone');
    },
  );
});

test('an app that connects Flue with Braintrust itself needs no import', async () => {
  await withFiles(
    { 'src/app.ts': `${OBSERVER}${WATCH}export default {};\n` },
    async (directory) => {
      const { files, notes } = await init(directory);
      expect(files.map(({ path }) => path)).toEqual(['src/app.ts']);
      expect(notes.filter((note) => note.startsWith('No module imports'))).toEqual([]);
    },
  );
});

test.each([
  ['a call of `config`', `import dotenv from 'dotenv';\ndotenv.config();\n`, 1],
  [
    'that of an import by name',
    `import { config as load, config } from '@dotenvx/dotenvx';\nconfig();\n`,
    1,
  ],
  ["a call of Node's function", `import { loadEnvFile } from 'node:process';\nloadEnvFile();\n`, 1],
  ['the import that sets them', `import 'dotenv/config';\n`, 0],
  ['another use of the package', `import { parse } from 'dotenv';\nparse('a=config()');\n`, 0],
  ['an assignment', `process.env.BRAINTRUST_API_KEY = read('/run/secrets/key');\n`, 1],
  ['one for each name', `all.forEach(([a, b]) => {\n  process.env[a] = b;\n});\n`, 1],
  ['one of another variable', `process.env['TZ'] = 'UTC';\nprocess.env.CI ??= '1';\n`, 0],
  ['a comparison', `if (process.env.BRAINTRUST_API_KEY === '') warn();\n`, 0],
  ['a route', `app.post('/', (c) => {\n  if (c) process.env[c.name] = c.value;\n});\n`, 0],
  ['a method', `class A {\n  set(a: string): void {\n    process.env[a] = '';\n  }\n}\n`, 0],
])('variables that an app sets after its imports are reported: %s', async (_how, app, count) => {
  await withFiles({ 'src/app.ts': app }, async (directory) => {
    for (const { notes } of [await init(directory), await init(directory)]) {
      expect(notes.filter((note) => note.includes('src/braintrust.ts finds no key'))).toHaveLength(
        count,
      );
    }
  });
});

/** The module of which an app that sets variables calls `loadEnv`. */
const DOTENV = `import dotenv from 'dotenv';\n`;
test.each([
  ['a function', `export function loadEnv() {\n  process.loadEnvFile();\n}\n`, 1],
  [
    'one that calls another one',
    `${DOTENV}const load = (path) => { dotenv.config({ path }); };\nexport async function loadEnv() { load('.env'); }\n`,
    1,
  ],
  [
    'an arrow function',
    `${DOTENV}export const loadEnv = (path?: string): void =>\n  void dotenv.config({ path });\n`,
    1,
  ],
  [
    'a name of its own',
    `import { config as read } from 'dotenv';\nfunction load(): { a: 1 } { return read(); }\nexport { load as loadEnv };\n`,
    1,
  ],
  [
    'a module that passes it on',
    `import { read } from './read.ts';\nexport const loadEnv = () => read();\n`,
    1,
  ],
  [
    'a function that is called at once',
    `export function loadEnv() { process.loadEnvFile(); }\nloadEnv();\n`,
    0,
  ],
  [
    'one that is called by a value',
    `${DOTENV}const load = () => dotenv.config();\nexport const all = load();\nexport const loadEnv = () => all;\n`,
    0,
  ],
  [
    'a call in a block',
    `${DOTENV}if (!process.env.CI) {\n  dotenv.config();\n}\nexport const loadEnv = () => process.env;\n`,
    0,
  ],
  [
    'another function',
    `export function other() { process.loadEnvFile(); }\nexport const loadEnv = () => {};\n`,
    0,
  ],
])(
  'variables that an app sets by a function of another module are reported: %s',
  async (_how, env, count) => {
    const both = ["import { loadEnv } from './env.ts';\n", "import './braintrust.ts';\n"];
    for (const imports of [both, both.toReversed(), both.slice(0, 1)]) {
      const files = {
        'src/app.ts': `${imports.join('')}loadEnv();\n`,
        'src/env.ts': env,
        'src/read.ts': `export function read() { process.loadEnvFile(); }\n`,
        'src/braintrust.ts': `${OBSERVER.replace("'braintrust'", "'flue-braintrust'")}${WATCH}`,
      };
      await withFiles(files, async (directory, read) => {
        const { notes } = await init(directory);
        const own = notes.filter((note) =>
          note.includes('src/app.ts calls `loadEnv()` of `./env.ts`, which sets variables after'),
        );
        expect({ notes: own.length, app: read('src/app.ts') }).toMatchObject({ notes: count });
      });
    }
  },
);

test('the `require` of a CommonJS app comes behind the call of a function that sets variables', async () => {
  const files = {
    'src/app.cjs': `const { loadEnv } = require('./env.cjs');\nloadEnv();\nconst hono = require('hono');\nmodule.exports = hono;\n`,
    'src/env.cjs': `exports.loadEnv = () => require('dotenv').config();\n`,
  };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/app.cjs')).toMatch(/loadEnv\(\);\nrequire\('\.\/braintrust/);
  });
});

test.each([
  ['of a package', "import 'dotenv/config';\n", 1],
  ['of the project', "import './env.ts';\n", 1],
  ['of the project, by way of another one', "import './server.ts';\n", 1],
  ['of the project, for its types', "import type { Env } from './env.ts';\n", 0],
])(
  'an import behind the tracing is reported that sets variables: %s',
  async (_what, late, count) => {
    const files = {
      'src/app.ts': `import './all.ts';\nimport { Hono } from 'hono';\n${late}`,
      'src/all.ts': `import './braintrust.ts';\n`,
      'src/braintrust.ts': `${OBSERVER.replace("'braintrust'", "'flue-braintrust'")}${WATCH}`,
      'src/server.ts': "import './app.ts';\nimport './env.ts';\n",
      'src/env.ts': 'process.loadEnvFile();\n',
    };
    await withFiles(files, async (directory) => {
      const { notes } = await init(directory);
      expect(notes.filter((note) => note.includes('which sets variables, after'))).toHaveLength(
        count,
      );
    });
  },
);

test.each([
  ['a comment after its comma', `${FILTER}, /* all */);`, `${FILTER}, /* all */`],
  ['a comment before its comma', `${FILTER} // all\n,);`, `${FILTER}, // all`],
  ['a comment and no comma', `${FILTER}/* all */);`, `${FILTER}, /* all */`],
  ['comments alone', 'braintrustFlueObserver, // all\n);', 'braintrustFlueObserver, // all'],
])('an observer with %s is still a module', async (_what, call, member) => {
  const types = `import { type observeOptions } from '@flue/runtime';\n`;
  const files = { 'src/app.ts': '', 'src/braintrust.ts': `${types}${OBSERVER}observe(${call}\n` };
  await withFiles(files, async (directory, read) => {
    await init(directory);
    expect(read('src/braintrust.ts')).toContain(
      `instrument({\n  ...braintrustFlueInstrumentation(),\n  observe: ${member}\n});\n`,
    );
    expect(read('src/braintrust.ts')).toContain(`import { instrument } from '@flue/runtime';`);
    expect(await init(directory)).toMatchObject({ files: [] });
  });
});

test.each(['observe<Event>(braintrustFlueObserver)', 'observe?.(braintrustFlueObserver)'])(
  'a registration by `%s` is left alone, and reported',
  async (call) => {
    const files = { 'src/braintrust.ts': `${OBSERVER}${call};\n` };
    await withFiles(files, async (directory) => {
      const { notes } = await init(directory);
      const left = notes.filter((note) => note.includes('in a form that init leaves alone'));
      expect(left).toHaveLength(1);
    });
  },
);
