import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InitLoggerOptions } from '../..';
import { startCollector } from '../../tools/collector';
import type { Collector } from '../../tools/collector/types';
import { App, at } from './app';
import { cli } from './cli';
import { until } from './project';
import { withDirectory } from './run';

/** What the content of each recorded row contains. */
export const SECRET = 'x'.repeat(40);

interface Payloads {
  files: number;
  rows: number;
  bytes: number;
  oldest: string | null;
  newest: string | null;
}

interface Share {
  destination: string;
  waiting: Payloads;
  damaged: Payloads;
  openRecords: number;
  processes: { pid: number; runs: boolean }[];
}

/** A server that is down until it is switched on, and a spool that a dead process left. */
export async function withSpool(
  use: (spool: {
    dir: string;
    collector: Collector;
    up(): void;
    answer(status: number): void;
    leave: Leave;
  }) => Promise<void>,
) {
  let status: number | undefined = 503;
  const collector = await startCollector({
    intercept: () => (status === undefined ? undefined : { status }),
  });
  const leave: Leave = async (dir, count, options = {}, only = 'end') => {
    const before = readdirSync(dir);
    const app = new App();
    await app.init({ ...at(collector), spool: { dir }, ...options });
    await app.record({ count, size: SECRET.length, only });
    await until(() => {
      const spooled = textOf(dir, '.rows', before);
      if (!hasRuns(spooled + JSON.stringify(collector.rows()), count)) return false;
      if (only === 'end') return true;
      // A server that is up gets the rows: nothing but the snapshot is left.
      return (
        hasRuns(textOf(dir, '.open'), count) && (status !== undefined || spooled.trim() === '')
      );
    });
    await app.kill();
  };
  try {
    const answer = (next?: number) => void (status = next);
    await withDirectory((dir) => use({ dir, collector, up: () => answer(), answer, leave }));
  } finally {
    await collector.close();
  }
}

/** Leaves the rows of a process that is killed. */
type Leave = (
  dir: string,
  count: number,
  options?: InitLoggerOptions,
  only?: 'start' | 'end',
) => Promise<void>;

/** The names of the files with this ending. */
export const filesOf = (dir: string, ending: string) =>
  readdirSync(dir).filter((name) => name.endsWith(ending));

/** What the files with this ending hold. @param except the names of those that do not matter */
export function textOf(dir: string, ending: string, except: readonly string[] = []) {
  const names = filesOf(dir, ending).filter((name) => !except.includes(name));
  return names.map((name) => read(join(dir, name))).join('\n');
}

/** A file that is removed meanwhile is empty. */
function read(file: string) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Whether a text has the runs with the numbers from 0 on that an `App` records. */
export const hasRuns = (text: string, count: number) =>
  Array.from({ length: count }, (_, run) => `"run_${run}"`).every((id) => text.includes(id));

export async function inspect(dir: string) {
  const ending = await cli(['inspect', dir, '--json']);
  return {
    code: ending.code,
    ...(JSON.parse(ending.stdout) as { shares: Share[]; foreign: number }),
  };
}
