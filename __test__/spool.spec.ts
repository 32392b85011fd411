import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { InitLoggerOptions, Stats } from '..';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { App, at } from './support/app';
import { HANGS_MS, NO_LOSS, ROOT, destination, run, withDirectory } from './support/run';
import { hasRuns, textOf } from './support/spool';

/** A server that is down until it is switched on, and a directory. */
class Place {
  isDown = true;
  #apps: App[] = [];

  constructor(
    readonly collector: Collector,
    readonly dir: string,
  ) {}

  /** Another process with this directory. */
  async app(spool: object = {}, options: InitLoggerOptions = {}) {
    const app = new App();
    this.#apps.push(app);
    await app.init({ ...at(this.collector), spool: { dir: this.dir, ...spool }, ...options });
    return app;
  }

  /** Those files whose names end so. */
  files(ending: string) {
    return readdirSync(this.dir).filter((name) => name.endsWith(ending));
  }

  /** The numbers of the runs that have arrived. */
  arrived() {
    const runs = this.collector.rows().map(({ metadata }) => {
      const { 'flue.run_id': run } = metadata as { [name: string]: string };
      return Number(run?.slice('run_'.length));
    });
    return runs.toSorted((one, other) => one - other);
  }

  async close() {
    for (const app of this.#apps) await app.kill();
  }
}

function withPlace(use: (place: Place) => Promise<void>) {
  return withDirectory(async (dir) => {
    const intercept = () => (place.isDown ? { status: 503 } : undefined);
    const collector = await startCollector({ intercept });
    const place = new Place(collector, dir);
    try {
      await use(place);
    } finally {
      await place.close();
      await collector.close();
    }
  });
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const sum = (lost: Stats['lost']) => Object.values(lost).reduce((all, rows) => all + rows, 0);

/** Waits until the numbers of a process are so. */
async function until(app: App, isSo: (stats: Stats) => boolean) {
  for (;;) {
    const stats = await app.stats();
    if (isSo(stats)) return stats;
    await wait(20);
  }
}

function expectAccounts({ accepted, sent, pending, spooled, lost, bytes }: Stats) {
  expect(accepted).toBe(sent + pending + spooled + sum(lost));
  expect(bytes.accepted).toBe(bytes.sent + bytes.pending + bytes.spooled + sum(bytes.lost));
}

test('a process that ends without a server leaves everything to the next one, and loses nothing', () =>
  withPlace(async (place) => {
    const first = await place.app();
    await first.record({ count: 300 });
    const ended = await first.end(['exit']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(place.files('.rows').length).toBeGreaterThan(0);
    expect(place.arrived()).toEqual([]);

    place.isDown = false;
    const next = await place.app();
    const stats = await until(next, ({ sent }) => sent === 300);
    expectAccounts(stats);
    expect(stats).toMatchObject({ accepted: 300, spooled: 0, pending: 0, lost: NO_LOSS });
    expect(place.arrived()).toEqual(numbers(300));
    expect(await next.close()).toMatchObject({ complete: true });
    expect(readdirSync(place.dir)).toEqual([]);
  }));

test('the end of a process is not held up when all is safe and the server does not answer', () =>
  withPlace(async (place) => {
    const app = await place.app({}, { exitTimeoutMs: 40_000 });
    await app.record({ count: 100 });
    const { tookMs } = await app.end(['exit']);
    expect(tookMs).toBeLessThan(30_000);
  }));

test('what the spool keeps is counted as such when the process closes', () =>
  withPlace(async (place) => {
    const app = await place.app();
    await app.record({ count: 50 });
    const report = await app.close({ timeoutMs: 300 });
    expect(report).toMatchObject({ complete: false, spooled: 50, pending: 0, lost: NO_LOSS });
    expectAccounts(report);
  }));

// That the spool has all but the last quarter of a second: see the simulation, whose time no other program takes.
test('a sudden death loses nothing that is in the spool, and a living sibling delivers it', () =>
  withPlace(async (place) => {
    const sibling = await place.app();
    await sibling.record({ from: 1_000, count: 1 });
    const doomed = await place.app();
    await doomed.record({ count: 200 });
    while (!hasRuns(textOf(place.dir, '.rows'), 200)) await wait(20);
    await doomed.kill();

    place.isDown = false;
    const stats = await until(sibling, ({ sent }) => sent === 201);
    expectAccounts(stats);
    expect(place.arrived()).toEqual([...numbers(200), 1_000]);
    await sibling.close();
    expect(readdirSync(place.dir)).toEqual([]);
  }));

test('of two successors each row is delivered by one', () =>
  withPlace(async (place) => {
    const dead = await place.app();
    await dead.record({ count: 500 });
    await dead.end(['exit']);
    place.isDown = false;
    const successors = await Promise.all([place.app(), place.app()]);
    await place.collector.waitFor(() => place.arrived().length === 500, HANGS_MS);
    const reports = await Promise.all(successors.map((successor) => successor.close()));
    expect(reports.reduce((all, { sent }) => all + sent, 0)).toBe(500);
    reports.forEach(expectAccounts);
  }));

test('what does not fit into memory waits on the disk, and all of it arrives in the end', () =>
  withPlace(async (place) => {
    const app = await place.app({}, { maxQueueBytes: 4 * 2 ** 20 });
    const size = 20_000;
    for (let from = 0; from < 800; from += 20) {
      await app.record({ from, count: 20, size });
      await until(app, ({ accepted }) => accepted === from + 20);
    }
    const full = await until(app, ({ spooled }) => spooled > 600);
    expectAccounts(full);
    expect(full.lost).toEqual({});
    expect(full.bytes.pending).toBeLessThan(4 * 2 ** 20);
    place.isDown = false;
    const report = await app.flush({ timeoutMs: 30_000 });
    expect(report).toMatchObject({ complete: true, sent: 800, spooled: 0, lost: NO_LOSS });
    expectAccounts(report);
    expect(place.arrived()).toEqual(numbers(800));
  }));

test('a full spool evicts the oldest, and counts them', () =>
  withPlace(async (place) => {
    const app = await place.app({ maxBytes: 2 ** 20 }, { maxQueueBytes: 2 ** 20 });
    for (let from = 0; from < 100; from += 5) {
      await app.record({ from, count: 5, size: 20_000 });
      await until(app, ({ accepted }) => accepted === from + 5);
    }
    const stats = await until(app, ({ lost }) => (lost.spool_full ?? 0) > 0);
    expectAccounts(stats);
    const bytes = place.files('.rows').map((name) => statSync(join(place.dir, name)).size);
    expect(bytes.reduce((all, size) => all + size, 0)).toBeLessThanOrEqual(2 ** 20);
    await app.wrote('spool_full');
  }));

test('a file that is damaged is counted and put aside, and its neighbours arrive', () =>
  withPlace(async (place) => {
    for (const from of [0, 100]) {
      const dead = await place.app();
      await dead.record({ from, count: 100 });
      await dead.end(['exit']);
    }
    const [damaged = '', ...others] = place.files('.rows').toSorted();
    truncateSync(join(place.dir, damaged), 100);
    place.isDown = false;
    const successor = await place.app();
    const stats = await until(
      successor,
      ({ accepted, sent, lost }) => accepted > 0 && accepted === sent + sum(lost),
    );
    expect(others.length).toBeGreaterThan(0);
    expect(stats.lost.spool_damaged).toBeGreaterThan(0);
    expect(stats.accepted).toBe(200);
    expectAccounts(stats);
    expect(place.files('.damaged')).toHaveLength(1);
    await successor.wrote('spool_damaged');
  }));

test('a file without a readable header is reported, and counted as one row', () =>
  withPlace(async (place) => {
    const dead = await place.app();
    await dead.record({ count: 10 });
    await dead.end(['exit']);
    const [damaged = ''] = place.files('.rows');
    truncateSync(join(place.dir, damaged), 20);
    place.isDown = false;
    const successor = await place.app();
    const stats = await until(successor, ({ lost }) => sum(lost) > 0);
    expect(stats.lost).toEqual({ spool_damaged: 1 });
    expectAccounts(stats);
    expect(place.files('.damaged')).toHaveLength(1);
    await successor.wrote('no readable header');
  }));

test('what others plant in the directory is neither followed nor waited for', () =>
  withPlace(async (place) => {
    place.isDown = false;
    const elsewhere = join(place.dir, 'elsewhere');
    writeFileSync(elsewhere, 'not ours');
    const first = await place.app();
    await first.record({ count: 1 });
    await first.flush();
    // Named as the files of a dead process of this destination.
    const [lock = ''] = place.files('.lock');
    const planted = (random: string, ending: string) =>
      join(place.dir, `${lock.split('-')[0]}-1-${random}${ending}`);
    symlinkSync(elsewhere, planted('00000001', '.lock'));
    symlinkSync('/dev/zero', planted('00000002', '.open'));
    symlinkSync('/dev/zero', planted('00000003', '-0000000001.rows'));
    for (const ending of ['.lock', '.open', '-0000000001.rows', '.tmp']) {
      execFileSync('mkfifo', [planted('00000004', ending)]);
    }
    const app = await place.app();
    await app.record({ from: 1, count: 20 });
    expect(await app.flush({ timeoutMs: 20_000 })).toMatchObject({ complete: true, sent: 20 });
    expect(place.arrived()).toEqual(numbers(21));
    await app.wrote('FLUE_BRAINTRUST_SPOOL');
    expect(app.stderr.trim().split('\n')).toHaveLength(1);
    expect(readFileSync(elsewhere, 'utf8')).toBe('not ours');
    await app.close();
  }));

test('a directory to which others can write is made private if it is ours', () =>
  withPlace(async (place) => {
    chmodSync(place.dir, 0o777);
    place.isDown = false;
    const app = await place.app();
    await app.record({ count: 1 });
    expect(await app.flush()).toMatchObject({ complete: true });
    expect(statSync(place.dir).mode & 0o777).toBe(0o700);
    expect(app.stderr).toBe('');
  }));

const isRoot = process.getuid?.() === 0;

(isRoot ? test : test.skip)('a directory of another user is refused with one line', () =>
  withPlace(async (place) => {
    chownSync(place.dir, 65_534, 65_534);
    place.isDown = false;
    const app = await place.app();
    await app.record({ count: 1 });
    expect(await app.flush()).toMatchObject({ complete: true, sent: 1 });
    await app.wrote('name a directory in it');
    expect(app.stderr.trim().split('\n')).toHaveLength(1);
    expect(readdirSync(place.dir)).toEqual([]);
  }),
);

test('rows of another project or key are left alone', () =>
  withPlace(async (place) => {
    const dead = await place.app({}, { projectName: 'another' });
    await dead.record({ count: 10 });
    await dead.end(['exit']);
    place.isDown = false;
    const left = place.files('.rows');
    const successor = await place.app();
    await successor.record({ from: 50, count: 1 });
    expect(await successor.close()).toMatchObject({ accepted: 1, sent: 1 });
    expect(place.files('.rows')).toEqual(left);
  }));

test('neither file nor name has the key', () =>
  withPlace(async (place) => {
    const app = await place.app({}, { apiKey: 'sk-canary-4711' });
    await app.record({ count: 100 });
    await app.end(['exit']);
    for (const name of readdirSync(place.dir)) {
      expect(name).not.toContain('canary');
      expect(readFileSync(join(place.dir, name), 'latin1')).not.toContain('canary');
    }
  }));

test('rows that a refused key held back are delivered by the next process, whose key is taken', () =>
  withDirectory(async (dir) => {
    let refuses = true;
    const collector = await startCollector({
      intercept: () => (refuses ? { status: 401 } : undefined),
    });
    const place = new Place(collector, dir);
    try {
      const first = await place.app();
      await first.record({ count: 20 });
      const { stderr } = await first.end(['exit']);
      expect(stderr).toContain('FLUE_BRAINTRUST_REFUSED');
      expect(stderr).not.toContain('FLUE_BRAINTRUST_EXIT');
      refuses = false;
      const next = await place.app();
      await until(next, ({ sent }) => sent === 20);
      expect(place.arrived()).toEqual(numbers(20));
    } finally {
      await place.close();
      await collector.close();
    }
  }));

test('after a flush the spool has what waits in a queue, however long before it was recorded', () =>
  withPlace(async (place) => {
    place.isDown = false;
    const script = `
      const { readdirSync, readFileSync } = require('node:fs');
      const flue = require(${JSON.stringify(ROOT)});
      flue.initLogger({ spool: { dir: 'rows' } });
      const kept = () => readdirSync('rows').map((name) => readFileSync('rows/' + name)).join();
      (async () => {
        for (let ms = 0; ms < 40; ms += 2) {
          const submissionId = 'sub_' + ms + '_ms';
          flue.braintrustFlueObserver({ v: 3, type: 'submission_queued', submissionId, agentName: 'a' });
          await new Promise((resolve) => setTimeout(resolve, ms));
          const { complete } = await flue.flush();
          if (!complete || !kept().includes(submissionId)) console.log(submissionId);
        }
        process.kill(process.pid, 'SIGKILL');
      })();`;
    const ended = await run(['-e', script], destination(place.collector), undefined, place.dir);
    expect(ended).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' });
  }));

test('relative directories stay where they are when the application changes its working directory', () =>
  withPlace(async (place) => {
    place.isDown = false;
    const elsewhere = join(place.dir, 'elsewhere');
    mkdirSync(elsewhere);
    const script = `
      const flue = require(${JSON.stringify(ROOT)});
      flue.initLogger({ spool: { dir: 'rows' } });
      process.chdir('elsewhere');
      for (const type of ['run_start', 'run_end']) {
        flue.braintrustFlueObserver({ v: 3, type, runId: 'run_1', workflowName: 'w' });
      }
      flue.flush().then(({ sent }) => console.log(sent));`;
    const ended = await run(['-e', script], destination(place.collector), undefined, place.dir);
    expect(ended).toMatchObject({ code: 0, stdout: '1\n', stderr: '' });
    expect([readdirSync(place.dir).toSorted(), readdirSync(elsewhere)]).toEqual([
      ['elsewhere', 'rows'],
      [],
    ]);
  }));

test('a directory that cannot be used is reported once, and tracing runs on without it', () =>
  withPlace(async (place) => {
    place.isDown = false;
    const app = await place.app({ dir: '/dev/null/nowhere' });
    await app.record({ count: 10 });
    expect(await app.flush()).toMatchObject({ complete: true, sent: 10 });
    expect(await app.warned('SPOOL')).toHaveLength(1);
    // Nor does it keep the thread busy.
    const before = await app.usage();
    await wait(2_000);
    expect((await app.usage()).cpuMs - before.cpuMs).toBeLessThan(300);
  }));

test('a directory that cannot be used at first is used as soon as it can', () =>
  withPlace(async (place) => {
    const dir = join(place.dir, 'rows');
    writeFileSync(dir, 'no directory');
    const app = await place.app({ dir });
    await app.record({ count: 10 });
    expect(await app.warned('SPOOL')).toHaveLength(1);
    rmSync(dir);
    // What has waited in memory goes there, too.
    while (!hasRuns(existsSync(dir) ? textOf(dir, '.rows') : '', 10)) await wait(20);
    await app.kill();
    place.isDown = false;
    const stats = await until(await place.app({ dir }), ({ sent }) => sent === 10);
    expectAccounts(stats);
    expect(place.arrived()).toEqual(numbers(10));
  }));
