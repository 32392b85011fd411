import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startCollector } from '../tools/collector';
import { tracingModule } from '../tools/init/modules';
import { Project, until } from './support/project';
import { ROOT, destination, run, withDirectory } from './support/run';

/*
 * The entries of the package: an ES module and a CommonJS module, of one instance.
 */

test('an ES module and a CommonJS module of one process share the functions, the logger and the recorder', async () => {
  const collector = await startCollector();
  try {
    const program = `
      import { createRequire } from 'node:module';
      import * as modules from 'flue-braintrust';
      const commonjs = createRequire(process.cwd() + '/program.js')('flue-braintrust');
      const logger = modules.initLogger();
      commonjs.traced(() => modules.traced(() => {}, { name: 'inner' }), { name: 'outer' });
      await commonjs.flush();
      const names = Object.keys(commonjs);
      console.log(JSON.stringify([
        names.filter((name) => modules[name] !== commonjs[name]),
        Object.keys(modules).sort().join() === names.sort().join(),
        commonjs.currentLogger() === logger,
        modules.stats().sent,
      ]));`;
    const ended = await run(['--input-type=module', '-e', program], destination(collector));
    expect(ended).toMatchObject({ code: 0, stdout: '[[],true,true,2]\n', stderr: '' });
    const [outer, inner] = collector.rows().toSorted((a) => (a.is_root ? -1 : 1));
    expect(inner?.span_parents).toEqual([outer?.span_id]);
  } finally {
    await collector.close();
  }
});

test('the instance of `flue-braintrust/register` is that of the program', async () => {
  const program = `
    import { currentLogger } from 'flue-braintrust';
    import { createRequire } from 'node:module';
    const commonjs = createRequire(process.cwd() + '/program.js')('flue-braintrust');
    console.log(currentLogger() !== undefined, commonjs.currentLogger() === currentLogger());`;
  const env = { BRAINTRUST_API_KEY: 'k', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' };
  const args = ['--import', 'flue-braintrust/register', '--input-type=module', '-e', program];
  expect(await run(args, env)).toMatchObject({ code: 0, stdout: 'true true\n' });
});

test("Vite's dev server traces an agent with a linked clone, which it evaluates as ES modules", () =>
  withDirectory(async (directory) => {
    const project = new Project(directory, '2.x', 'src').withPackages().withApp();
    project.install('flue-braintrust');
    writeFileSync(project.path('braintrust.ts'), tracingModule('2.x'));
    const app = readFileSync(project.path('app.ts'), 'utf8');
    writeFileSync(project.path('app.ts'), `import './braintrust.ts';\n${app}`);
    const collector = await startCollector();
    const server = await project.dev(destination(collector));
    try {
      await server.ask('house-1');
      await until(() => collector.traces()[0]?.finished === true);
    } finally {
      const { stdout, stderr } = await server.end('SIGTERM');
      await collector.close();
      expect(stdout + stderr).toMatch(/\[flue-braintrust\] Traces go to project "Flue"/);
      expect(stdout + stderr).not.toMatch(/require is not defined|FLUE_BRAINTRUST_/);
    }
    expect(collector.traces()[0]?.spans).toHaveLength(4);
    expect(collector.problems).toEqual([]);
  }));

test('a bundle of Vite that inlines the package loads it from where it is installed', () =>
  withDirectory(async (directory) => {
    const project = new Project(directory, '2.x', 'src').withPackages();
    project.install('flue-braintrust');
    project.write('vite.config.ts', 'export default { ssr: { noExternal: true } };\n');
    const program = `import { initLogger, traced } from 'flue-braintrust';
      initLogger();
      console.log(traced(() => 'done', { name: 'bundled' }));`;
    project.write('program.mjs', program);
    const vite = ['node_modules/vite/bin/vite.js', 'build', '--ssr', 'program.mjs'];
    expect(await run(vite, {}, undefined, directory)).toMatchObject({ code: 0 });
    const bundle = readdirSync(join(directory, 'dist')).map((name) => join('dist', name));
    // The package is in it, and not imported.
    expect(readFileSync(join(directory, bundle[0] ?? ''), 'utf8')).not.toMatch(/from ?"flue-/);

    const collector = await startCollector();
    try {
      const ended = await run(bundle, destination(collector), undefined, directory);
      expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
      expect(collector.rows()).toHaveLength(1);
    } finally {
      await collector.close();
    }
  }));

test('in a Worker whose bundler has taken the entry for Node, the line states what the bundler needs', async () => {
  const program = `
    process.getBuiltinModule = undefined;
    Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Cloudflare-Workers' } });
    const { initLogger } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'index.mjs')).href)});
    initLogger();`;
  const { code, stderr } = await run(['--input-type=module', '-e', program], {});
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /FLUE_BRAINTRUST_NOT_STARTED: .*with the condition `workerd`, as wrangler/,
  );
});

test('where the package cannot be loaded, every function behaves as documented, without tracing', async () => {
  const program = `
      import assert from 'node:assert/strict';
      import { notLoaded } from ${JSON.stringify(pathToFileURL(join(ROOT, 'js/not-loaded.mjs')).href)};
      import * as present from 'flue-braintrust';
      const api = notLoaded(new Error('no binary'));

      // Every name is of the type that the package gives it, in the package itself, a logger and a span.
      const shape = (object) =>
        Object.fromEntries(Object.keys(object).sort().map((name) => [name, typeof object[name]]));
      assert.deepEqual(shape(api), shape(present));
      assert.deepEqual(shape(api.NOOP_SPAN), shape(present.NOOP_SPAN));
      assert.deepEqual(shape(api.initLogger()), shape(present.initLogger()));
      assert.deepEqual(api.stats(), present.stats());
      for (const name of ['NOOP_SPAN_PERMALINK', 'ERR_PERMALINK']) assert.equal(api[name], present[name]);

      const span = api.startSpan({ name: 'a' });
      const logger = api.initLogger();
      const runs = [
        (use) => api.traced(use),
        (use) => api.withCurrent(span, use),
        (use) => api.withParent(span, use),
        (use) => api.withParent({ traceparent: '00' }, use),
        (use) => span.traced(use),
        (use) => logger.traced(use),
      ];
      for (const run of runs) assert.equal(run((given) => (assert.equal(given, span), 7)), 7);
      for (const args of [[logger, (given) => given], [(given) => given]]) {
        assert.equal(api.withLogger(...args), logger);
      }
      const work = () => 7;
      assert.equal(api.wrapTraced(work), work);
      assert.equal(api.traceable(work), work);
      assert.equal(await api.braintrustFlueInstrumentation().interceptor({}, {}, async () => 7), 7);
      assert.equal(await api.braintrustFlueObserver.interceptor({}, {}, async () => 7), 7);
      assert.equal(api.braintrustFlueObserver({}), undefined);

      const headers = { authorization: 'x' };
      assert.equal(api.injectTraceContext(headers), headers);
      assert.equal(span.inject(headers), headers);
      assert.equal(span.end({ endTime: 3 }), 3);
      assert.equal(typeof span.close(), 'number');
      const receipt = Promise.resolve({ submissionId: 's' });
      assert.equal(span.adopt(receipt), receipt);
      assert.equal(api.currentLogger(), undefined);
      assert.equal(api.extractTraceContextFromHeaders(headers), undefined);
      assert.equal(api.log({}), '');
      assert.equal(\`\${await api.permalink(span)}\`.startsWith(api.ERR_PERMALINK), true);
      for (const end of [api.flush, api.close, logger.flush, logger.close]) {
        const report = await end().catch(assert.fail);
        assert.equal(report.complete, true);
      }
      const file = new api.Attachment({ data: Buffer.from('abc'), filename: 'a', contentType: 't/x' });
      assert.equal(await (await file.data()).text(), 'abc');
      assert.equal((await file.upload()).upload_status, 'error');
      assert.equal(file.debugInfo().reference, file.reference);
      assert.equal(file.reference.filename, 'a');
      for (const use of ['logError', 'logFeedback', 'logScores', 'setMaskingFunction', 'updateSpan']) {
        assert.equal(api[use](assert.fail, assert.fail), undefined);
      }
      console.log('passed');`;
  const ended = await run(['--input-type=module', '-e', program], {});
  expect(ended).toMatchObject({ code: 0, stdout: 'passed\n' });
  expect(ended.stderr).toContain('the package cannot be loaded: no binary (');
});
