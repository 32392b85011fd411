/** Plays many scenarios: those whose end is timed one after the other, those that only wait together. */
import { runScenario } from './run-scenario.mjs';
import { brokenInvariants } from './invariants.mjs';

/** How many runs wait at once; see `scenarios-faults.mjs`. */
const AT_ONCE = { endings: 1, faults: 4 };
const HURRIED = { endings: 3, faults: 6 };

/** How many times as long a process may take that shares the machine with others before it is taken to hang. */
const HURRIED_PATIENCE = 8;

/**
 * @param {import('./scenarios.mjs').Scenario[]} scenarios
 * @param {object} options
 * @param {string[]} options.exporters
 * @param {number} [options.repetitions] of this package; the others are played once
 * @param {boolean} [options.hurry] whether endings are not played one after the other either
 * @param {(text: string) => void} [options.progress]
 * @returns {Promise<import('./report.mjs').Line[]>} in the order of the scenarios
 */
export async function runAll(scenarios, options) {
  const { exporters, repetitions = 1, hurry = false, progress = () => {} } = options;
  const baselines = new Map();
  const patience = hurry ? HURRIED_PATIENCE : 1;
  const lines = [];
  for (const [group, atOnce] of Object.entries(hurry ? HURRIED : AT_ONCE)) {
    const jobs = scenarios.filter((scenario) => scenario.group === group);
    const results = await inParallel(atOnce, jobs, async (scenario) => {
      progress(scenario.id);
      const key = JSON.stringify(programOf(scenario));
      if (!baselines.has(key)) baselines.set(key, fastest(scenario, repetitions, patience));
      const baseline = await baselines.get(key);
      const of = [];
      for (const exporter of exporters) {
        if (scenario.exporters && !scenario.exporters.includes(exporter)) continue;
        of.push(await runOne(scenario, exporter, baseline, repetitions, patience));
      }
      return of;
    });
    lines.push(...results.flat());
  }
  return lines;
}

/** The run without tracing that others on the machine have delayed the least. */
async function fastest(scenario, repetitions, patience) {
  const runs = [];
  for (let round = 0; round < repetitions; round += 1)
    runs.push(await runScenario(scenario, 'nothing', patience));
  return runs.reduce((one, other) => (other.endingMs < one.endingMs ? other : one));
}

/** What runs, whoever traces it and whatever the server does. */
function programOf({ workload, ending, place, killBy, flags }) {
  return { workload, ending, place, killBy, flags };
}

/** @returns {Promise<import('./report.mjs').Line>} */
async function runOne(scenario, exporter, baseline, repetitions, patience) {
  let worst;
  for (let round = 0; round < (exporter === 'ours' ? repetitions : 1); round += 1) {
    const run = await runScenario(scenario, exporter, patience);
    const line = { scenario, exporter, run, baseline, broken: [] };
    if (exporter === 'ours') line.broken = brokenInvariants(scenario, run, baseline, patience);
    if (worst === undefined || isWorse(line, worst)) worst = line;
  }
  return worst;
}

function isWorse(one, other) {
  const faults = one.broken.length - other.broken.length;
  return faults > 0 || (faults === 0 && one.run.counts.lost > other.run.counts.lost);
}

/**
 * @template T, R
 * @param {number} atOnce
 * @param {T[]} jobs
 * @param {(job: T) => Promise<R>} run
 * @returns {Promise<R[]>} in the order of the jobs
 */
async function inParallel(atOnce, jobs, run) {
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < jobs.length) {
      const number = next++;
      results[number] = await run(jobs[number]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
