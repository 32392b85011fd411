import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { startCollector } from '../tools/collector';
import type { CollectorOptions } from '../tools/collector/types';
import { HANGS_MS, NODE, destination, ROOT, run } from './support/run';

/** A process that gets a signal as soon as it has recorded its 50 runs. */
async function signalled(
  how: string,
  signal: NodeJS.Signals,
  options: CollectorOptions = {},
  more: Record<string, string> = {},
) {
  const collector = await startCollector(options);
  try {
    const env = { PATH: process.env.PATH, ...destination(collector), ...more };
    const args = [
      '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
      '__test__/fixtures/signalled.mjs',
    ];
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(NODE, [...args, how], {
      cwd: ROOT,
      env,
      stdio,
      timeout: HANGS_MS,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const [ready] = await once(child.stdout.setEncoding('utf8'), 'data');
    let stdout = '';
    child.stdout.on('data', (text) => (stdout += text));
    const began = performance.now();
    child.kill(signal);
    const [code, killedBy] = await once(child, 'close');
    const tookMs = performance.now() - began;
    const runs = collector.rows().length;
    return { code, killedBy, listeners: JSON.parse(ready), runs, stdout, stderr, tookMs };
  } finally {
    await collector.close();
  }
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'handleSignals delivers everything, and %s then ends the process as ever',
  async (signal) => {
    const { code, killedBy, runs, stderr } = await signalled('plain', signal);
    expect({ code, killedBy, runs, stderr }).toEqual({
      code: null,
      killedBy: signal,
      runs: 50,
      stderr: '',
    });
  },
);

test('asked for twice, it is there once', async () => {
  const { killedBy, listeners, runs } = await signalled('twice', 'SIGTERM');
  expect({ killedBy, listeners, runs }).toEqual({
    killedBy: 'SIGTERM',
    listeners: [1, 1, 1],
    runs: 50,
  });
});

test('nobody listens unless asked to', async () => {
  const { killedBy, listeners } = await signalled('unhandled', 'SIGTERM');
  expect({ killedBy, listeners }).toEqual({ killedBy: 'SIGTERM', listeners: [0, 0, 0] });
});

test.each(['listens', 'listens once'])(
  'an application that %s itself ends as it wants to, and everything is delivered',
  async (how) => {
    const { code, killedBy, runs } = await signalled(how, 'SIGTERM');
    expect({ code, killedBy, runs }).toEqual({ code: 3, killedBy: null, runs: 50 });
  },
);

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s', (signal) => {
  test.each(['3 before', '3 after', '4 before', '4 after'])(
    'ends a process that loads signal-exit %s the logger, once everything is delivered',
    async (loaded) => {
      const { code, killedBy, runs, stdout } = await signalled(`signal-exit ${loaded}`, signal);
      expect({ code, killedBy, runs, stdout }).toEqual({
        code: null,
        killedBy: signal,
        runs: 50,
        stdout: '\nsignal-exit has run',
      });
    },
  );
});

test('an application that listens ends as it wants to, also with signal-exit', async () => {
  const { code, runs } = await signalled('signal-exit 4 before, listens', 'SIGTERM');
  expect({ code, runs }).toEqual({ code: 3, runs: 50 });
});

test('a server that never answers delays the end by no more than the exit timeout', async () => {
  const { killedBy, stderr, tookMs } = await signalled(
    'plain',
    'SIGTERM',
    { intercept: () => ({ hang: true }) },
    { FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '1000' },
  );
  expect(killedBy).toBe('SIGTERM');
  expect(stderr).toContain('50 rows');
  expect(tookMs).toBeLessThan(10_000);
});

/** Three workers record, each under a masking function, keep a span open, and a signal ends the process. */
const WITH_WORKERS = `
  const { Worker } = require('node:worker_threads');
  const flue = require('flue-braintrust');
  const worker = \`
    const flue = require('flue-braintrust');
    flue.initLogger();
    flue.setMaskingFunction((value) => (value === 'secret' ? 'masked' : value));
    for (let n = 0; n < 20; n++) flue.traced(() => {}, { name: 'work', event: { input: 'secret' } });
    flue.startSpan({ name: 'open' });
    require('node:worker_threads').parentPort.postMessage('recorded');
    setInterval(() => {}, 1000);\`;
  flue.initLogger({ handleSignals: true }).log({ input: 'of the main thread' });
  let recorded = 0;
  for (let n = 0; n < 3; n++) {
    new Worker(worker, { eval: true }).on('message', () => {
      if (++recorded === 3) process.kill(process.pid, 'SIGTERM');
    });
  }`;

test('handleSignals delivers what workers have recorded, and closes their spans', async () => {
  const collector = await startCollector();
  try {
    const { code, signal, stderr } = await run(['-e', WITH_WORKERS], destination(collector));
    expect({ code, signal, stderr }).toEqual({ code: null, signal: 'SIGTERM', stderr: '' });
    const rows = collector.rows();
    const named = (name: string) =>
      rows.filter(({ span_attributes }) => (span_attributes as { name?: string })?.name === name);
    expect(rows).toHaveLength(1 + 3 * 21);
    expect(new Set(named('work').map(({ input }) => input))).toEqual(new Set(['masked']));
    const ends = named('open').map(({ metrics }) => (metrics as { end?: number }).end);
    expect(ends).toEqual(Array(3).fill(expect.any(Number)));
  } finally {
    await collector.close();
  }
});

test('a worker that does not mask in time delays the end by no more than the exit timeout', async () => {
  const collector = await startCollector();
  try {
    const program = WITH_WORKERS.replace('setInterval(() => {}, 1000);', 'for (;;) {}');
    const env = { ...destination(collector), FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '400' };
    const { signal, stderr } = await run(['-e', program], env);
    expect(signal).toBe('SIGTERM');
    const rows = collector.rows().length;
    // Each row arrives or is reported; of the open span there are two.
    const lost = [...stderr.matchAll(/EXIT: (\d+) rows? (?:is|are) lost/g)].map(([, n]) =>
      Number(n),
    );
    expect(rows + lost.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(1 + 3 * 21);
  } finally {
    await collector.close();
  }
});

test.each(["process.kill(process.pid, 'SIGTERM')", 'process.exit(0)'])(
  'files of all loggers that are still being read are reported when the process ends by %s',
  async (end) => {
    const collector = await startCollector();
    try {
      const program = `
        const flue = require('flue-braintrust');
        class Endless extends Blob {
          arrayBuffer() {
            return new Promise(() => {});
          }
        }
        const options = { data: new Endless([]), filename: 'file', contentType: 'text/plain' };
        for (const projectName of ['One', 'Another']) {
          flue.initLogger({ projectName, handleSignals: true, attachments: true });
          flue.traced((span) => span.log({ input: new flue.Attachment(options) }), { name: 'work' });
        }
        setInterval(() => {}, 1000);
        ${end};`;
      const { stderr } = await run(['-e', program], destination(collector));
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_LOST: Files in 2 of .*\n$/);
      expect(collector.rows()).toHaveLength(2);
    } finally {
      await collector.close();
    }
  },
);

/** Runs a program as the first process of its own namespace, as in a container. */
const FIRST = ['-r', '--pid', '--fork', '--mount-proc', '--kill-child'];
const hasNamespaces = spawnSync('unshare', [...FIRST, 'true']).status === 0;

(hasNamespaces ? test : test.skip)(
  'the first process of a container, which signals do not end by themselves, ends as shells make it',
  async () => {
    const collector = await startCollector();
    try {
      const program = `
        require('flue-braintrust').initLogger({ handleSignals: true });
        require('flue-braintrust').traced(() => {}, { name: 'work' });
        setTimeout(() => process.exit(9), 300_000);
        process.kill(process.pid, 'SIGTERM');`;
      const env = { PATH: process.env.PATH, ...destination(collector) };
      const child = spawn('unshare', [...FIRST, NODE, '-e', program], { cwd: ROOT, env });
      const [code] = await once(child, 'close');
      expect({ code, rows: collector.rows().length }).toEqual({ code: 143, rows: 1 });
    } finally {
      await collector.close();
    }
  },
);

test.each([
  ['frozen `process`', 'Object.freeze(process);'],
  ['replaced a function of it', `process.listeners = () => { throw new Error('replaced'); };`],
])(
  'a signal ends the process with its number where the application has %s, and loses nothing',
  async (_, change) => {
    const collector = await startCollector();
    try {
      const program = `
        const { initLogger, startSpan, traced } = require('flue-braintrust');
        initLogger({ handleSignals: true });
        traced(() => {}, { name: 'span' });
        startSpan({ name: 'open' });
        ${change}
        process.kill(process.pid, 'SIGTERM');
        setInterval(() => {}, 1000);`;
      const { code, stderr } = await run(['-e', program], destination(collector));
      expect({ code, stderr }).toEqual({ code: 143, stderr: '' });
      const names = collector.rows().map(({ span_attributes: { name } }: any) => name);
      expect(names.toSorted()).toEqual(['open', 'span']);
    } finally {
      await collector.close();
    }
  },
);

test('the application handles a signal itself, even where it has replaced `process.listeners`', async () => {
  const collector = await startCollector();
  try {
    const program = `
      const { initLogger, startSpan } = require('flue-braintrust');
      initLogger({ handleSignals: true });
      startSpan({ name: 'open' });
      process.on('SIGTERM', () => process.exit(33));
      process.listeners = () => { throw new Error('replaced'); };
      process.kill(process.pid, 'SIGTERM');
      setInterval(() => {}, 1000);`;
    const { code, stderr } = await run(['-e', program], destination(collector));
    const rows = collector.rows().length;
    expect({ code, stderr, rows }).toEqual({ code: 33, stderr: '', rows: 1 });
  } finally {
    await collector.close();
  }
});
