import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { startCollector as startTestCollector } from '../testing';
import { tracingModule, withImport } from '../tools/init/modules';
import { manifestIn } from './support/npm';
import { Project } from './support/project';
import { destination, finished, HANGS_MS, ROOT, run, withDirectory } from './support/run';

const PAGE = readFileSync(join(ROOT, 'docs/recipes.md'), 'utf8');

/** The recipes, by the names of their files. */
const RECIPES = new Map(
  [...PAGE.matchAll(/^```\w+ title="([^"]+)"\n(.*?)^```$/gms)].map(([, name = '', text = '']) => [
    name,
    text,
  ]),
);

/** The text of a recipe. */
function recipe(name: string): string {
  const text = RECIPES.get(name);
  if (text === undefined) throw new Error(`no recipe ${name} in docs/recipes.md`);
  USED.add(name);
  return text;
}

const USED = new Set<string>();

/** A directory with recipes and other files, in which the package is installed. */
function withFiles<T>(files: Record<string, string>, use: (directory: string) => Promise<T>) {
  return withDirectory(async (directory) => {
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(ROOT, join(directory, 'node_modules/flue-braintrust'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return use(directory);
  });
}

/** Runs a program beside a recipe; gives what it printed as JSON. */
async function withRecipe(
  name: string,
  program: string,
  check: (collector: Collector, shown: any) => void,
) {
  const collector = await startCollector();
  try {
    await withFiles({ [name]: recipe(name), 'program.mjs': program }, async (directory) => {
      const ending = await run(['program.mjs'], destination(collector), HANGS_MS, directory);
      expect(ending).toMatchObject({ code: 0, stderr: '' });
      check(collector, ending.stdout === '' ? undefined : JSON.parse(ending.stdout));
      expect(collector.problems).toEqual([]);
    });
  } finally {
    await collector.close();
  }
}

test('the masking function masks nested values, and JSON in texts, and leaves the rest', () =>
  withRecipe(
    'mask.mjs',
    `import './mask.mjs';
     import { flush, initLogger, traced } from 'flue-braintrust';
     initLogger();
     traced((span) => span.log({
       input: { user: { name: 'Ada', Password: 'p1', keys: [{ token: 't1', id: 7 }] } },
       output: 'Her number is 123-45-6789.',
       metadata: { call: '{"ssn":"s1","city":"Ulm"}', list: ['987-65-4321', null, true, '{broken'] },
     }));
     await flush();`,
    (collector) => {
      const [row] = collector.rows() as any[];
      expect(row.input).toEqual({
        user: { name: 'Ada', Password: '[masked]', keys: [{ token: '[masked]', id: 7 }] },
      });
      expect(row.output).toBe('Her number is [masked].');
      expect(row.metadata).toMatchObject({
        call: '{"ssn":"[masked]","city":"Ulm"}',
        list: ['[masked]', null, true, '{broken'],
      });
      expect(JSON.stringify(row)).not.toMatch(/p1|t1|s1|\d{3}-\d{2}-\d{4}/);
    },
  ));

test("each tenant's traces are marked", () =>
  withRecipe(
    'tenant-metadata.mjs',
    `import './tenant-metadata.mjs';
     import { braintrustFlueObserver as observe, flush } from 'flue-braintrust';
     for (const instanceId of ['acme/chat-1', undefined]) {
       const ids = { instanceId, submissionId: 'sub_' + instanceId, operationId: 'op_' + instanceId };
       observe({ type: 'operation_start', operationKind: 'prompt', ...ids });
       observe({ type: 'operation', operationKind: 'prompt', durationMs: 1, isError: false, ...ids });
     }
     await flush();`,
    (collector) => {
      const [first, second] = collector.rows() as any[];
      expect(first).toMatchObject({ tags: ['tenant:acme'], metadata: { tenant: 'acme' } });
      expect(second.metadata).not.toHaveProperty('tenant');
    },
  ));

test("each tenant's traces go to its project", () =>
  withRecipe(
    'tenant-projects.mjs',
    `import { answer } from './tenant-projects.mjs';
     import { initLogger } from 'flue-braintrust';
     initLogger({ projectName: 'Everyone' });
     const answers = await Promise.all(['acme', 'globex', 'acme'].map((tenant) => answer(tenant, 'Hi')));
     console.log(JSON.stringify(answers));`,
    (collector, answers) => {
      expect(answers).toEqual(Array(3).fill('You asked: Hi'));
      const projects = collector.rows().map(({ project_id: id }) => id);
      expect(new Set(projects).size).toBe(2);
      expect(projects).toHaveLength(3);
    },
  ));

test('the sample has all of one agent, all errors, and a tenth of the rest', () =>
  withRecipe(
    'sample.mjs',
    `import './sample.mjs';
     import { braintrustFlueObserver as observe, flush } from 'flue-braintrust';
     const trace = (n, agentName, isError) => {
       const ids = { agentName, instanceId: 'i', submissionId: 'sub_' + agentName + n, operationId: 'op_' + agentName + n };
       observe({ type: 'operation_start', operationKind: 'prompt', ...ids });
       const error = isError ? { error: { message: 'no' } } : {};
       observe({ type: 'operation', operationKind: 'prompt', durationMs: 1, isError, ...error, ...ids });
     };
     for (let n = 0; n < 500; n++) {
       trace(n, 'Chat', false);
       if (n < 20) trace(n, 'Billing', false);
       if (n < 20) trace(n, 'Failing', true);
     }
     const { complete, sampled } = await flush();
     console.log(JSON.stringify({ complete, sampled }));`,
    (collector, { complete, sampled }) => {
      const of = (name: string) =>
        collector.rows().filter((row: any) => row.metadata['flue.agent_name'] === name).length;
      expect({ complete, billing: of('Billing'), failing: of('Failing') }).toEqual({
        complete: true,
        billing: 20,
        failing: 20,
      });
      expect(of('Chat')).toBeGreaterThan(20);
      expect(of('Chat')).toBeLessThan(90);
      expect(of('Chat') + sampled).toBe(500);
    },
  ));

test('a thumb lands on the root of the submission', () =>
  withRecipe(
    'feedback.mjs',
    `import { rate } from './feedback.mjs';
     import { flueSpan, flush } from 'flue-braintrust';
     rate({ submissionId: 'sub_1', thumb: 'up', comment: 'Thanks', user: 'u1' });
     rate({ submissionId: 'sub_2', thumb: 'down', user: 'u2' });
     await flush();
     console.log(JSON.stringify(['sub_1', 'sub_2'].map((submissionId) => flueSpan({ submissionId }).id)));`,
    (collector, [up, down]) => {
      expect(collector.row(up)).toMatchObject({
        scores: { thumb: 1 },
        _audit_source: 'app',
        _audit_metadata: { user: 'u1' },
      });
      expect(collector.row(down)).toMatchObject({ scores: { thumb: 0 } });
      const comments = collector.rows().filter((row) => row.comment !== undefined) as any[];
      expect(comments.map(({ comment, origin }) => [comment.text, origin.id])).toEqual([
        ['Thanks', up],
      ]);
    },
  ));

test('traces are asserted on in node:test', () =>
  withFiles({ 'trace.test.mjs': recipe('trace.test.mjs') }, async (directory) => {
    const { code, stdout, stderr } = await run(
      ['--test', '--test-reporter=tap', 'trace.test.mjs'],
      {},
      HANGS_MS,
      directory,
    );
    expect({ code, stderr, stdout }).toMatchObject({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok 1 - the answer is looked up$/m);
  }));

test('an agent is dispatched in the process of a test', () =>
  withFiles({ 'agent.test.mjs': recipe('agent.test.mjs') }, async (directory) => {
    for (const name of ['@flue', '@earendil-works']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name));
    }
    const args = ['--test', '--test-reporter=tap', 'agent.test.mjs'];
    const { code, stdout, stderr } = await run(args, {}, HANGS_MS, directory);
    expect({ code, stderr, stdout }).toMatchObject({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok 1 - the agent answers with one turn of its model$/m);
  }));

test('traces are asserted on in jest, and in the same words in vitest', () =>
  withFiles({ 'trace.test.ts': recipe('trace.test.ts') }, async (directory) => {
    // jest has what the recipe imports from vitest, under the same names.
    mkdirSync(join(directory, 'node_modules/vitest'));
    const globals = `module.exports = require('@jest/globals');\n`;
    writeFileSync(join(directory, 'node_modules/vitest/index.js'), globals);
    const config = {
      rootDir: directory,
      transform: { '\\.ts$': join(ROOT, 'node_modules/@swc/jest') },
    };
    writeFileSync(join(directory, 'jest.config.json'), JSON.stringify(config));
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const ending = await finished(process.execPath, [jest, '--ci', '-i'], {}, directory);
    expect(ending).toMatchObject({ code: 0 });
    expect(ending.stderr).toContain('the answer is looked up');
    expect(ending.stderr).not.toMatch(/did not exit|open handle/);
  }));

describe.each(['Dockerfile', 'Dockerfile.alpine'])('the %s', (name) => {
  const instructions = () =>
    recipe(name)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, instruction = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
        return { instruction, rest };
      });
  const all = (instruction: string) =>
    instructions()
      .filter((line) => line.instruction === instruction)
      .map(({ rest }) => rest);

  test('has only instructions, and runs on the Node and on the C library that it installs for', () => {
    const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'CMD'];
    for (const { instruction } of instructions()) expect(known).toContain(instruction);
    const images = all('FROM').map((rest) => rest.replace(/ AS \w+$/, ''));
    expect(images).toHaveLength(2);
    expect(new Set(images).size).toBe(1);
    const [, major = '', kind = ''] = /^node:(\d+)-(\w+)$/.exec(images[0] ?? '') ?? [];
    const { engines, napi } = manifestIn(ROOT);
    expect(Number(major)).toBe(Number(/\d+/.exec(engines.node)?.[0]));
    const library = kind === 'alpine' ? 'musl' : 'gnu';
    for (const cpu of ['x86_64', 'aarch64']) {
      expect(napi.targets).toContain(`${cpu}-unknown-linux-${library}`);
    }
  });

  test('keeps optional dependencies, runs Node itself, and copies nothing that the build does not make', () => {
    const commands = all('RUN').flatMap((rest) => rest.split(' && '));
    expect(commands).toEqual(['npm ci', 'npm run build', 'npm prune --omit=dev']);
    expect(commands.join()).not.toMatch(/optional|ignore-scripts/);
    expect(JSON.parse(all('CMD')[0] ?? '')).toEqual(['node', 'dist/server.mjs']);
    const copied = all('COPY').filter((rest) => rest.startsWith('--from=build '));
    const sources = copied.map((rest) => rest.split(' ')[1]);
    expect(sources).toEqual(['/app/package.json', '/app/node_modules', '/app/dist']);
    expect(recipe(name)).not.toMatch(/API_KEY/);
  });
});

test('what the Dockerfiles copy runs as they run it, and delivers what is left at SIGTERM', async () => {
  const collector = await startCollector();
  try {
    await withDirectory(async (directory) => {
      const project = new Project(directory, '2.x', 'src').withPackages().withApp();
      project.install('flue-braintrust');
      project.write('src/braintrust.ts', tracingModule('2.x'));
      const app = { path: 'src/app.ts', text: project.files()['src/app.ts'] ?? '' };
      project.write('src/app.ts', withImport(app, './braintrust.ts'));
      expect(await project.build()).toBe('');

      await withDirectory(async (image) => {
        const stage = new Project(image, '2.x', 'src');
        for (const name of Object.keys(stage.files())) rmSync(join(image, name));
        for (const name of ['package.json', 'dist']) {
          cpSync(join(directory, name), join(image, name), { recursive: true });
        }
        symlinkSync(join(directory, 'node_modules'), join(image, 'node_modules'));
        const server = await stage.serve({ ...destination(collector), NODE_ENV: 'production' });
        await server.ask('house-1');
        const { stderr } = await server.end('SIGTERM');
        expect(stderr).not.toContain('[flue-braintrust]');
        expect(collector.traces()).toHaveLength(1);
        expect(collector.problems).toEqual([]);
      });
    });
  } finally {
    await collector.close();
  }
});

test('every recipe is run by a test', () => {
  expect([...RECIPES.keys()].toSorted()).toEqual([...USED].toSorted());
});

describe('flue-braintrust/testing', () => {
  test('gives traces, spans and their fields, and forgets what came before', async () => {
    const program = `
      import assert from 'node:assert/strict';
      import { flush, initLogger, logFeedback, traced } from 'flue-braintrust';
      import { startCollector } from 'flue-braintrust/testing';
      const collector = await startCollector();
      assert.deepEqual(collector.traces(), []);
      initLogger({ ...collector.options, tags: ['t'] });
      const work = async (name) => traced(async (span) => {
        span.log({ input: 'in', output: { a: 1 }, expected: 2, scores: { s: 0.5 }, metadata: { m: 1 }, metrics: { n: 3 } });
        await traced(async () => { throw new TypeError('no'); }, { name: 'inner', type: 'tool' }).catch(() => {});
      }, { name, type: 'function' });
      await work('outer');
      await collector.waitFor(({ traces }) => traces()[0]?.finished === true);
      const [trace, ...others] = collector.traces();
      assert.equal(others.length, 0);
      assert.equal(trace.tree(), 'outer\\n  inner');
      const { root } = trace;
      assert.deepEqual([root.name, root.type, root.input, root.output, root.expected, root.scores, root.tags],
        ['outer', 'function', 'in', { a: 1 }, 2, { s: 0.5 }, ['t']]);
      assert.equal(root.metadata.m, 1);
      assert.equal(root.metrics.n, 3);
      assert.ok(root.end >= root.start);
      assert.equal(root.children[0].type, 'tool');
      assert.match(root.children[0].error, /^TypeError: no/);
      assert.deepEqual(collector.spans('inner'), [root.children[0]]);
      assert.equal(root.row.id, root.id);
      logFeedback({ id: root.id, scores: { thumb: 1 }, comment: 'Well done.' });
      await flush();
      const [rated] = collector.spans('outer');
      assert.deepEqual([rated.scores, rated.comments], [{ s: 0.5, thumb: 1 }, ['Well done.']]);
      assert.deepEqual(collector.spans('inner')[0].comments, []);
      collector.clear();
      assert.deepEqual([collector.traces(), collector.spans()], [[], []]);
      await work('second');
      await flush();
      assert.deepEqual(collector.traces().map((trace) => trace.tree()), ['second\\n  inner']);
      await assert.rejects(collector.waitFor(() => false, { timeoutMs: 20 }));
      collector.clear();
      const rows = Array.from({ length: 6000 }, (_, n) => ({ id: 'r' + n, span_id: 's' + n, root_span_id: 's0',
        span_parents: n === 0 ? [] : ['s' + (n - 1)], span_attributes: { name: 'deep' }, metrics: { start: 1, end: 2 } }));
      await fetch(collector.url + '/logs3', { method: 'POST', body: JSON.stringify({ rows, api_version: 2 }),
        headers: { authorization: 'Bearer test', 'content-type': 'application/json' } });
      assert.equal(collector.traces()[0].tree().split('\\n').length, 6000);
      await collector[Symbol.asyncDispose]();`;
    const { code, stderr } = await run(['--input-type=module', '-e', program]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('`clear` frees what came before, and takes none of its later rows', async () => {
    const program = `
      import assert from 'node:assert/strict';
      import { startCollector } from 'flue-braintrust/testing';
      const collector = await startCollector();
      const send = async (n, more) => {
        const { ok } = await fetch(collector.url + '/logs3', { method: 'POST',
          body: JSON.stringify({ api_version: 2, rows: [{ id: 'r' + n, span_id: 's' + n, root_span_id: 's' + n, _is_merge: true,
            span_attributes: { name: 'n' + n }, metrics: { start: 1 }, ...more }] }),
          headers: { authorization: 'Bearer test', 'content-type': 'application/json' } });
        assert.ok(ok);
      };
      const used = () => (gc(), gc(), process.memoryUsage().heapUsed / 1e6);
      await send(0);
      const before = used();
      for (let n = 0; n < 40; n += 1) await send(n, { input: String(n).padEnd(1e6) });
      assert.equal(collector.traces().length, 40);
      assert.ok(used() > before + 30);
      collector.clear();
      assert.ok(used() < before + 15, used() + ' after ' + before);
      await send(1, { output: 'late' });
      await send(41);
      assert.deepEqual(collector.spans().map(({ name }) => name), ['n41']);
      await collector.close();`;
    const { code, stderr } = await run(['--expose-gc', '--input-type=module', '-e', program]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('receives traces whatever organisation is configured, in its process and in others', async () => {
    const program = `
      import assert from 'node:assert/strict';
      import { execFile } from 'node:child_process';
      import { promisify } from 'node:util';
      import { flush, initLogger, traced } from 'flue-braintrust';
      import { startCollector } from 'flue-braintrust/testing';
      const collector = await startCollector();
      initLogger(collector.options);
      traced(() => {}, { name: 'here' });
      await flush();
      const other = "import { initLogger, traced } from 'flue-braintrust'; initLogger(); traced(() => {}, { name: 'there' });";
      const env = { ...process.env, ...collector.env };
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', other], { env });
      assert.deepEqual(collector.spans().map(({ name }) => name), ['here', 'there']);
      await collector.close();`;
    const { code, stderr } = await run(['--input-type=module', '-e', program], {
      BRAINTRUST_ORG_NAME: 'acme',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('lets the process end without `close`, also after rows have come', async () => {
    const program = `
      import { flush, initLogger, traced } from 'flue-braintrust';
      import { startCollector } from 'flue-braintrust/testing';
      const collector = await startCollector();
      if (process.argv[1] === 'rows') {
        initLogger(collector.options);
        traced(() => {}, { name: 'here' });
        await flush();
        await collector.waitFor(({ traces }) => traces()[0]?.finished === true);
        console.log(collector.traces()[0].tree());
      }`;
    const args = ['--input-type=module', '-e', program];
    expect(await run(args)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await run([...args, 'rows'])).toMatchObject({
      code: 0,
      stdout: 'here\n',
      stderr: '',
    });
  });

  test('states what was waited for in vain', async () => {
    const testing = await startTestCollector();
    const wait = testing.waitFor(({ traces }) => traces().length === 7, { timeoutMs: 20 });
    await expect(wait).rejects.toThrow(
      /^not true within 20 ms: .*length === 7\nso far: 0 requests/,
    );
    await testing.close();
  });

  test('is there for `require` too, and has what its types declare', async () => {
    const { code, stdout } = await run([
      '-e',
      `const { startCollector } = require('flue-braintrust/testing');
       startCollector().then(async (collector) => {
         console.log(Object.keys(collector).sort().join());
         await collector.close();
       });`,
    ]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'clear,close,env,options,spans,traces,url,waitFor\n',
    });
    const types = readFileSync(join(ROOT, 'testing.d.ts'), 'utf8');
    expect([...types.matchAll(/^export declare function (\w+)/gm)].map(([, name]) => name)).toEqual(
      Object.keys(await import('../testing.js')).filter((name) => name !== 'default'),
    );
  });
});
