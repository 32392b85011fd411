// An application that uses the package on command of a test; see `app.ts`.
import { writeSync } from 'node:fs';
import * as tracing from 'flue-braintrust';
import type { FlushOptions, InitLoggerOptions } from 'flue-braintrust';

/** Workflow runs, as made-up Flue events. */
export interface Runs {
  /** The number of the first. */
  from?: number;
  count: number;
  /** The characters of each result. */
  size?: number;
  /** `end`: one event and one row for each. `start` and `both`: a row that may be merged. */
  only?: 'start' | 'end' | 'both';
}

const at = { timestamp: '2026-11-23T07:02:44.000Z', v: 3 };
const start = (runId: string) => {
  const fields = { workflowName: 'water', startedAt: at.timestamp };
  return { type: 'run_start', runId, ...fields, ...at };
};
const end = (runId: string, result: string) => {
  const fields = { result, isError: false, durationMs: 5 };
  return { type: 'run_end', runId, ...fields, ...at };
};

const actions = {
  init: (options: InitLoggerOptions) => void tracing.initLogger({ apiKey: 'test-key', ...options }),
  record({ from = 0, count, size = 10, only = 'end' }: Runs) {
    const result = 'x'.repeat(size);
    for (let run = from; run < from + count; run++) {
      if (only !== 'end') tracing.braintrustFlueObserver(start(`run_${run}`));
      if (only !== 'start') tracing.braintrustFlueObserver(end(`run_${run}`, result));
    }
  },
  flush: (options?: FlushOptions | null) => tracing.flush(options),
  stats: () => tracing.stats(),
  close: (options?: FlushOptions | null) => tracing.close(options),
  /** What the process has used so far. */
  usage() {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000, rssMiB: process.memoryUsage.rss() / 2 ** 20 };
  },
  /** Ends the process; its last word shows that nothing has cut it short. */
  exit() {
    writeSync(1, 'done\n');
    process.exit();
  },
  /** Lets the process end by itself. */
  leave() {
    writeSync(1, 'done\n');
    process.disconnect();
  },
};

export type Actions = typeof actions;

/** Calls that are made at once, in one turn of the event loop. */
export type Calls = readonly (readonly [name: keyof Actions, argument?: unknown])[];

process.on('message', async ({ id, calls }: { id: number; calls: Calls }) => {
  const running = calls.map(([name, argument]) =>
    (actions[name] as (argument: unknown) => unknown)(argument),
  );
  const answers = await Promise.all(running);
  if (process.connected) process.send?.({ id, answers });
});
