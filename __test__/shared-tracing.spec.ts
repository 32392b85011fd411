import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cli } from './support/cli';
import { init, withFiles } from './support/init';

const REGISTERS = `import { instrument } from '@flue/runtime';
import { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';
initLogger();
instrument(braintrustFlueInstrumentation());
`;

/** An application in a workspace of which a package may register the tracing. */
function withWorkspace(
  app: string,
  shared: string,
  use: (directory: string, read: (name: string) => string) => Promise<void>,
) {
  const dependencies = (names: string[]) =>
    JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, '*'])) });
  const files = {
    'apps/web/package.json': dependencies(['@flue/runtime', '@acme/tracing']),
    'apps/web/src/app.ts': app,
    'packages/tracing/package.json': dependencies(['flue-braintrust']),
    'packages/tracing/index.ts': shared,
  };
  return withFiles(files, async (directory, read) => {
    mkdirSync(join(directory, 'node_modules/@acme'), { recursive: true });
    symlinkSync('../../packages/tracing', join(directory, 'node_modules/@acme/tracing'));
    await use(join(directory, 'apps/web'), (name) => read(`apps/web/${name}`));
  });
}

/** What `doctor` finds in an application. */
async function application(directory: string) {
  const { stdout } = await cli(['doctor', '--json'], { cwd: directory });
  return JSON.parse(stdout).checks.find(({ id }: { id: string }) => id === 'application');
}

test('tracing that an application has by a package of its workspace is not registered again', () =>
  withWorkspace(`import '@acme/tracing';\n`, REGISTERS, async (directory) => {
    const { files, notes } = await init(directory, '--flue-run');
    expect(files).toEqual([]);
    expect(notes).toEqual(['@acme/tracing, a package of the workspace, registers the observer.']);
    expect(await application(directory)).toMatchObject({ status: 'ok' });
  }));

test('tracing in a package of the workspace that nothing imports is named', () =>
  withWorkspace('export default {};\n', REGISTERS, async (directory, read) => {
    const { code, stderr } = await cli(['init', directory]);
    expect({ code, app: read('src/app.ts') }).toEqual({ code: 1, app: 'export default {};\n' });
    expect(stderr).toContain("import it in the first line of the app, `import '@acme/tracing';`");
    expect(await application(directory)).toMatchObject({
      status: 'warning',
      detail: 'no module imports @acme/tracing',
    });
  }));

test('a package of the workspace that only records spans registers nothing', () =>
  withWorkspace(
    `import '@acme/tracing';\n`,
    `import { traced } from 'flue-braintrust';\nexport const step = (run) => traced(run);\n`,
    async (directory, read) => {
      const { files } = await init(directory);
      expect(files.map(({ path }) => path)).toEqual(['src/braintrust.ts', 'src/app.ts']);
      expect(read('src/app.ts')).toContain(`import './braintrust.ts';`);
    },
  ));
