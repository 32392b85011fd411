/** This package beside another build of it, in one table. */
import { WITH_RULES } from './experiments.mjs';
import * as figures from './figures.mjs';
import { median } from './statistics.mjs';
import { cell, table } from './table.mjs';

/**
 * What is compared of each scenario, and whether less of it is better.
 *
 * @type {Record<string, { figure: string, of: Function, isCost?: boolean }[]>}
 */
const COMPARED = {
  replay: [
    { figure: 'calls ms', of: figures.callTimes, isCost: true },
    { figure: 'loop ms', of: figures.loopTimes, isCost: true },
    { figure: 'CPU ms', of: cpuTimes, isCost: true },
    { figure: 'growth of a turn', of: growthTo400, isCost: true },
  ],
  live: [
    { figure: 'calls ms', of: figures.callTimes, isCost: true },
    { figure: 'growth of a turn', of: growthTo400, isCost: true },
  ],
  fleet: [
    { figure: 'calls ms', of: figures.callTimes, isCost: true },
    { figure: 'RSS MiB', of: retained, isCost: true },
  ],
  spans: [
    { figure: 'calls ms', of: figures.callTimes, isCost: true },
    { figure: 'stored per s', of: storedPerSecond },
  ],
  memory: [{ figure: 'RSS MiB', of: retained, isCost: true }],
  startup: [{ figure: 'import and initLogger ms', of: startTimes, isCost: true }],
  interceptor: [{ figure: 'calls ms', of: figures.callTimes, isCost: true }],
};

/**
 * @param {import('./results.mjs').Results} results
 * @param {import('./experiments.mjs').Experiment[]} experiments
 * @returns {string} Markdown
 */
export function beside(results, experiments) {
  const rows = experiments.flatMap(({ name, scenario }) =>
    (COMPARED[scenario] ?? []).flatMap(({ figure, of, isCost = false }) =>
      results.sizes(name).flatMap((size) =>
        ['', WITH_RULES].flatMap((options) => {
          const [before, ours] = ['before', 'ours'].map((who) =>
            of(results, name, size, who + options),
          );
          if (before.length === 0) return [];
          const ratio = [figures.ratio(ours, before)].filter(Number.isFinite);
          const worse = isWorse(before, ours, isCost) ? '**worse**' : '';
          return [
            [`${name} ${size}${options}`, figure, cell(before), cell(ours), cell(ratio, 2), worse],
          ];
        }),
      ),
    ),
  );
  const head = ['', '', 'before', 'ours', 'ratio', 'outside of the spread'];
  return `## Beside the build of ${process.env.BENCH_BESIDE}\n\n${table(head, rows)}`;
}

/** Whether the median lies outside of what was measured before. @param {number[]} before @param {number[]} ours */
function isWorse(before, ours, isCost) {
  const middle = median(ours) ?? NaN;
  return isCost ? middle > Math.max(...before) : middle < Math.min(...before);
}

/** Milliseconds of CPU of all threads. */
function cpuTimes(results, experiment, size, contender) {
  return results.above(experiment, size, contender, ({ cpu }) => cpu);
}

function storedPerSecond(results, experiment, size, contender) {
  return results.figures(experiment, size, contender, (run) => figures.storedPerSecond(run, size));
}

/** MiB that stay in use. */
function retained(results, experiment, size, contender) {
  const bytes = figures.retained(results, experiment, size, contender, 'rss');
  return bytes.map((count) => count / 2 ** 20);
}

/** How much more a turn costs late than early, in conversations of 400 alone. */
function growthTo400(results, experiment, size, contender) {
  if (size !== 400) return [];
  return results.figures(experiment, size, contender, (run) => figures.growth(run, 400));
}

/** Milliseconds. */
function startTimes(results, experiment, size, contender) {
  return results.figures(experiment, size, contender, ({ startup }) => startup);
}
