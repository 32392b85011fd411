import { readFileSync, writeFileSync } from 'node:fs';
import { startCollector } from '../tools/collector';
import { tracingModule } from '../tools/init/modules';
import { Project, until } from './support/project';
import { destination, run, withDirectory } from './support/run';

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
      expect(stdout + stderr).not.toMatch(/require is not defined|\[flue-braintrust\]/);
    }
    expect(collector.traces()[0]?.spans).toHaveLength(4);
    expect(collector.problems).toEqual([]);
  }));
