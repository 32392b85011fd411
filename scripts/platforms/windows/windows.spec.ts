import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../../../tools/collector';
import { App, at } from '../../../__test__/support/app';
import { destination, run, withDirectory } from '../../../__test__/support/run';

/*
 * What differs on Windows, on Node for Windows; see `npm run platforms`.
 */

/** A process that records while no server answers, in the spool of a directory; the next delivers it. */
async function keepsAndDelivers(dir: string) {
  let isDown = true;
  const collector = await startCollector({
    intercept: () => (isDown ? { status: 503 } : undefined),
  });
  const apps: App[] = [];
  const start = async () => {
    const app = new App();
    apps.push(app);
    await app.init({ ...at(collector), spool: { dir } });
    return app;
  };
  try {
    const first = await start();
    await first.record({ count: 20 });
    // The snapshot of the open spans replaces itself.
    await first.record({ from: 20, count: 20, only: 'both' });
    expect(await first.end(['exit'])).toMatchObject({ code: 0, stderr: '' });
    isDown = false;
    const next = await start();
    await next.record({ from: 100, count: 1 });
    expect(await next.close()).toMatchObject({ complete: true, lost: {} });
    // Before Windows 10, a file that is open has a name until it is closed.
    await next.end(['exit']);
    expect(new Set(collector.rows().map(({ id }) => id)).size).toBe(41);
    expect(readdirSync(dir)).toEqual([]);
  } finally {
    for (const app of apps) await app.kill();
    await collector.close();
  }
}

test('a spool lies at the end of a path of more than 260 characters', () =>
  withDirectory(async (directory) => {
    const dir = join(directory, ...Array.from({ length: 8 }, () => 'a'.repeat(40)));
    expect(dir.length).toBeGreaterThan(260);
    await keepsAndDelivers(dir);
  }));

test.each(['with spaces', 'Grüße 温室', 'con1'])('a spool lies in: %s', (name) =>
  withDirectory((directory) => keepsAndDelivers(join(directory, name))),
);

test.each(['nul', 'NUL', 'con', 'aux.d', 'a?b'])(
  'a spool that cannot be in %s is reported once, and the rows are delivered',
  (name) =>
    withDirectory(async (directory) => {
      const collector = await startCollector();
      const app = new App();
      try {
        await app.init({ ...at(collector), spool: { dir: join(directory, name, 'spool') } });
        await app.record({ count: 10 });
        expect(await app.flush()).toMatchObject({ complete: true, sent: 10 });
        expect(app.stderr.match(/FLUE_BRAINTRUST_SPOOL/g)).toHaveLength(1);
      } finally {
        await app.kill();
        await collector.close();
      }
    }),
);

test('a directory that somebody uses is shared, and locks keep the processes apart', () =>
  withDirectory(async (directory) => {
    const dir = join(directory, 'shared');
    mkdirSync(dir);
    const collector = await startCollector({ intercept: () => ({ status: 503 }) });
    const apps = [new App(), new App()];
    try {
      for (const [index, app] of apps.entries()) {
        await app.init({ ...at(collector), spool: { dir } });
        await app.record({ from: index * 10, count: 10 });
        expect(await app.flush({ timeoutMs: 500 })).toMatchObject({ complete: false, lost: {} });
      }
      expect(readdirSync(dir).filter((name) => name.endsWith('.lock'))).toHaveLength(2);
    } finally {
      for (const app of apps) await app.kill();
      await collector.close();
    }
  }));

test.each([
  // Windows terminates a process to which this signal is sent.
  ['SIGINT', 1],
  ['SIGHUP', 129],
  ['SIGBREAK', 149],
])('handleSignals delivers everything at %s, and the process then ends', async (signal, code) => {
  const collector = await startCollector();
  const program = `
    const { braintrustFlueObserver, initLogger } = require('flue-braintrust');
    initLogger({ handleSignals: true });
    const timestamp = new Date().toISOString();
    for (let run = 0; run < 50; run++) {
      braintrustFlueObserver({ type: 'run_end', runId: 'run_' + run, timestamp, v: 3 });
    }
    setInterval(() => {}, 1000);
    setTimeout(() => process.emit('${signal}', '${signal}'), 10);`;
  try {
    const ended = await run(['-e', program], destination(collector));
    expect(ended).toMatchObject({ code, stderr: '' });
    expect(collector.rows()).toHaveLength(50);
  } finally {
    await collector.close();
  }
});

test('an agent that is terminated and has recovered leaves one trace with one root and nothing open', () =>
  withDirectory(async (directory) => {
    const collector = await startCollector();
    const phase = (number: string) =>
      run(['__test__/flue/crash.mjs', 'mid-tool', number, join(directory, 'agent.db')], {
        ...destination(collector),
        FLUE_BRAINTRUST_SPOOL_DIR: join(directory, 'spool'),
      });
    try {
      // Windows has no signals that a parent could see.
      expect(await phase('1')).toMatchObject({ code: 1 });
      expect(collector.rows().length).toBeGreaterThan(0);
      expect(await phase('2')).toMatchObject({ code: 0, stderr: '' });
      expect(collector.problems).toEqual([]);
      const [trace, ...others] = collector.traces();
      expect(others).toEqual([]);
      expect(trace).toMatchObject({ problems: [], openSpans: 0 });
      expect(trace?.roots).toHaveLength(1);
      expect(trace?.roots[0]?.row.metadata).toMatchObject({ 'flue.attempt': 2 });
    } finally {
      await collector.close();
    }
  }));
