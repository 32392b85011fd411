import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { installCopy } from './support/npm';
import { HANGS_MS, destination, finished, NODE, ROOT, run, withDirectory } from './support/run';

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

/** The most descriptors of a program; Node itself takes about twenty. */
const DESCRIPTORS = 64;

const SETUP = `
  const fs = require('node:fs');
  const flue = require('flue-braintrust');
  const taken = [];
  /** Takes all descriptors that are left. */
  function exhaust() {
    try {
      for (;;) taken.push(fs.openSync('/dev/null'));
    } catch (error) {
      if (error.code !== 'EMFILE') throw error;
    }
  }
  function restore() {
    for (const descriptor of taken.splice(0)) fs.closeSync(descriptor);
  }
  let runs = 0;
  const work = () => ++runs;
  function record(spans) {
    for (let n = 0; n < spans; n++) flue.traced(work, { name: 'span' });
  }
`;

/** Runs a program after \`SETUP\` with few descriptors to its end. */
function withFewDescriptors(program: string, env: Record<string, string> = {}) {
  const limited = ['-c', `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`, process.execPath];
  return finished('sh', [...limited, '-e', SETUP + program], env, ROOT);
}

const unixDescribe = process.platform === 'win32' ? describe.skip : describe;

unixDescribe('without descriptors', () => {
  test.each<Record<string, string>>([
    {},
    { BRAINTRUST_API_KEY: 'test-key', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' },
  ])(
    'every first call does its work once and does not throw, with %p',
    async (env: Record<string, string>) => {
      const ended = await withFewDescriptors(
        `
        if (process.env.BRAINTRUST_API_KEY) flue.initLogger({ exitTimeoutMs: 0 });
        exhaust();
        flue.traced(work, { event: { input: 1n } });
        flue.wrapTraced(work)();
        flue.startSpan({ name: 'span' }).end();
        flue.currentSpan().log({ output: new Map([['a', new Error('b')]]) });
        flue.logError(flue.currentSpan(), new Error('c'));
        flue.injectTraceContext({});
        flue.braintrustFlueObserver({ type: 'run_start', runId: 'run_1', workflowName: 'w' });
        flue.braintrustFlueInstrumentation().interceptor({ type: 'agent' }, {}, work);
        flue.setMaskingFunction((value) => value);
        flue.stats();
        flue.flush({ timeoutMs: 100 }).then(() => flue.close({ timeoutMs: 0 })).then(() => console.log(runs));`,
        env,
      );
      expect(ended).toMatchObject({ code: 0, stdout: '3\n' });
    },
  );

  test('the exporter is initialised, and says that it cannot read .env.braintrust', () =>
    withDirectory(async (directory) => {
      const { code, stderr } = await withFewDescriptors(
        `
        process.chdir(${JSON.stringify(directory)});
        exhaust();
        flue.initLogger();
        record(3);
        restore();`,
        destination(collector),
      );
      expect(code).toBe(0);
      expect(stderr).toMatch(/FLUE_BRAINTRUST_ENV_FILE: .*EMFILE/);
      expect(collector.rows()).toHaveLength(3);
    }));

  test('the delivery thread waits for them and delivers everything when there are some again', async () => {
    const { code, stdout, stderr } = await withFewDescriptors(
      `
      flue.initLogger();
      exhaust();
      record(5);
      flue.flush({ timeoutMs: 300 }).then(({ complete }) => {
        restore();
        console.log(complete);
      });`,
      destination(collector),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'false\n' });
    expect(stderr).toMatch(
      /^\[flue-braintrust\] FLUE_BRAINTRUST_RESOURCES: .*Too many open files.*\n$/,
    );
    expect(collector.rows()).toHaveLength(5);
  });

  test('the loss is reported when there are none until the end', async () => {
    const { code, stdout, stderr } = await withFewDescriptors(
      `
      flue.initLogger({ exitTimeoutMs: 300 });
      exhaust();
      record(5);
      process.on('exit', () => console.log(JSON.stringify(flue.stats().lost)));
      process.exit(0);`,
      destination(collector),
    );
    // Events that were never translated count as one row each: two of every span.
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"not_delivered_at_exit":10}\n' });
    expect(stderr).toMatch(/FLUE_BRAINTRUST_EXIT: 10 rows are lost \(10 not_delivered_at_exit\)/);
  });

  test('a thread that runs already goes on when there are some again', async () => {
    const { code, stdout } = await withFewDescriptors(
      `
      flue.initLogger();
      record(1);
      flue.flush().then(async () => {
        exhaust();
        record(5);
        await flue.flush({ timeoutMs: 500 });
        restore();
        const { complete, lost } = await flue.flush();
        console.log(JSON.stringify({ complete, lost }));
      });`,
      destination(collector),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"complete":true,"lost":{}}\n' });
    expect(collector.rows()).toHaveLength(6);
  });
});

/** The user that programs without threads run as: the limit does not apply to root. */
const NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
const AS_USER = process.getuid?.() === 0 ? ['setpriv', ...NOBODY] : ['env'];
const [user, ...more] = AS_USER as [string, ...string[]];

/** Runs a program that may call `refuse()` and `permit()`: whether its user gets a new thread. */
function withThreads(program: string, env: Record<string, string>) {
  const setup = `
    const { spawn } = require('node:child_process');
    const { setTimeout: sleep } = require('node:timers/promises');
    const flue = require('flue-braintrust');
    // A process without a limit changes that of this one.
    const most = 'most=$(prlimit --nproc --output HARD --noheadings); ';
    const limits = 'while read soft; do prlimit --pid $0 --nproc=\${soft:-$most}: && echo; done';
    const keeper = spawn('sh', ['-c', most + limits, process.pid], { stdio: ['pipe', 'pipe', 'ignore'] });
    const limit = (most) => {
      keeper.stdin.write(most + '\\n');
      return require('node:events').once(keeper.stdout, 'data');
    };
    const refuse = () => limit('1');
    const permit = () => limit('');
    const record = (name) => flue.traced(() => {}, { name });
    (async () => { ${program} })().then(() => keeper.stdin.end());`;
  return finished(user, [...more, NODE, '-e', setup], env, ROOT);
}

const canLimitThreads =
  process.platform === 'linux' &&
  spawnSync(user, [...more, 'prlimit', '--nproc=1:', NODE, '-e', '0']).status !== 0 &&
  spawnSync(user, [...more, 'prlimit', '--nproc', NODE, '-e', `require(${JSON.stringify(ROOT)})`])
    .status === 0;

(canLimitThreads ? describe : describe.skip)('without threads', () => {
  test('a delivery thread that was refused is started by a later event', async () => {
    const { code, stdout, stderr } = await withThreads(
      `
      flue.initLogger();
      await refuse();
      record('first');
      await permit();
      await sleep(150);
      record('second');
      for (let n = 0; n < 1_000 && flue.stats().sent < 2; n++) await sleep(10);
      console.log(flue.stats().sent);`,
      destination(collector),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '2\n' });
    expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_RESOURCES: .*\n$/);
    expect(collector.rows()).toHaveLength(2);
  });

  test('a name cannot be looked up, which is reported in one line and tried again', async () => {
    const { port } = new URL(collector.url);
    const { code, stdout, stderr } = await withThreads(
      `
      // The thread runs already.
      flue.initLogger();
      record('first');
      await flue.flush();
      await refuse();
      const options = { appUrl: 'http://localhost:${port}', apiUrl: 'http://localhost:${port}' };
      flue.initLogger({ ...options, projectName: 'Another' });
      record('second');
      while (!/thread/.test(flue.stats().lastError)) await sleep(10);
      await permit();
      const { complete } = await flue.flush();
      console.log(complete);`,
      destination(collector),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' });
    expect(stderr.split('\n').filter((line) => !line.includes('FLUE_BRAINTRUST_'))).toEqual(['']);
    expect(collector.rows()).toHaveLength(2);
  });

  test('a program goes on although nobody reads stderr', () =>
    withDirectory(async (directory) => {
      const program = `
        const flue = require('flue-braintrust');
        require('node:child_process').execFileSync('prlimit', ['--pid', process.pid, '--nproc=1']);
        flue.initLogger({ noOption: 1, exitTimeoutMs: 100 });
        flue.traced(() => {}, { name: 'span' });
        console.log('goes on');`;
      const [full, pipe] = fullPipe(join(directory, 'stderr'));
      const stdio = ['ignore' as const, 'pipe' as const, pipe];
      const env = { ...process.env, ...destination({ url: 'http://127.0.0.1:9' }) };
      const options = { cwd: ROOT, env, stdio, timeout: HANGS_MS, encoding: 'utf8' as const };
      const { status, stdout } = spawnSync(user, [...more, NODE, '-e', program], options);
      closeSync(full);
      closeSync(pipe);
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'goes on\n' });
    }));
});

/** A pipe that is full: one descriptor that keeps it, and one whose writes block. */
function fullPipe(path: string) {
  execFileSync('mkfifo', [path]);
  const full = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fill = () => {
    for (;;) writeSync(full, ' '.repeat(4096));
  };
  expect(fill).toThrow('EAGAIN');
  return [full, openSync(path, constants.O_RDWR)] as const;
}

test.each([false, true])(
  'the files of the package may go away once it is imported (initialised before: %p)',
  (isBefore) =>
    withDirectory(async (directory) => {
      const copy = installCopy(directory);
      const program = `
        const { rmSync } = require('node:fs');
        const flue = require(${JSON.stringify(copy)});
        if (${isBefore}) flue.initLogger();
        rmSync(${JSON.stringify(copy)}, { recursive: true });
        if (!${isBefore}) flue.initLogger();
        let runs = 0;
        flue.traced(() => runs++, { name: 'span' });
        flue.wrapTraced(() => runs++)();
        console.log(runs);
        process.exit(0);`;
      const ended = await run(['-e', program], destination(collector));
      expect(ended).toMatchObject({ code: 0, stdout: '2\n', stderr: '' });
      expect(collector.rows()).toHaveLength(2);
      rmSync(directory, { recursive: true, force: true });
    }),
);
