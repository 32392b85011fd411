/** How the figures of the tables are read off the runs. */
import { mean, median } from './statistics.mjs';

/** Turns over which the cost of a turn is averaged: these, and the last ten up to each of these. */
export const EARLY_TURNS = [15, 35];
export const LATE_TURNS = [100, 200, 400];

/**
 * Milliseconds in which the event loop was busy with the exporter, in its calls and later: above the
 * run that traces nothing.
 *
 * @param {import('./results.mjs').Results} results
 */
export function loopTimes(results, experiment, size, contender) {
  return results.above(experiment, size, contender, ({ active }) => active);
}

/** The same as CPU time of the loop's thread. */
export function loopCpu(results, experiment, size, contender) {
  return results.above(experiment, size, contender, ({ loopCpu }) => loopCpu);
}

/** Milliseconds of CPU that the exporter's own threads used. */
export function engineCpu(results, experiment, size, contender) {
  return results.above(experiment, size, contender, ({ cpu, loopCpu }) => cpu - loopCpu);
}

/** Milliseconds in the exporter's calls alone. */
export function callTimes(results, experiment, size, contender) {
  return results.figures(experiment, size, contender, ({ calls }) => calls?.total);
}

/** Microseconds in the exporter's calls for a turn of one of many conversations. */
export function fleetTurn(results, { name, turns }, size, contender) {
  return callTimes(results, name, size, contender).map((ms) => (ms * 1000) / (size * turns));
}

/** The same as CPU time of the loop's thread, above the run that traces nothing. */
export function fleetTurnCpu(results, { name, turns }, size, contender) {
  return loopCpu(results, name, size, contender).map((ms) => (ms * 1000) / (size * turns));
}

/** Medians' ratio. @param {number[]} some @param {number[]} others */
export function ratio(some, others) {
  const [a, b] = [median(some), median(others)];
  return a === undefined || b === undefined ? undefined : a / b;
}

/**
 * Milliseconds per turn, averaged from one turn to another.
 *
 * @param {any} run
 * @param {number[]} turns first and last
 */
export function costPerTurn({ calls }, [first, last]) {
  const byTurn = calls.byTurn.slice(first, last + 1);
  return byTurn.length === last - first + 1 ? mean(byTurn) : undefined;
}

/** The ten turns up to this one, and it. @param {number} turn */
export const lateTurns = (turn) => [turn - 10, turn];

/** How much more a turn costs late than early, of one run. @param {any} run @param {number} turn */
export function growth(run, turn) {
  return costPerTurn(run, lateTurns(turn)) / costPerTurn(run, EARLY_TURNS);
}

/** Bytes that an exporter keeps: above the run that traces nothing. */
export function retained(results, experiment, size, contender, kind = 'rss') {
  return results.above(experiment, size, contender, (run) => run[kind]);
}

/** Spans of a run that reached the server. @param {any} run @param {number} size */
export function storedSpans({ server, warmUpSpans }, size) {
  return server === undefined ? undefined : Math.min(size, server.ended - warmUpSpans);
}

/** Spans per second from the first event until the last row is stored. */
export function storedPerSecond(run, size) {
  if (run.server === undefined) return undefined;
  const seconds = Number(BigInt(run.server.changedAt) - BigInt(run.firstAt)) / 1e9;
  return storedSpans(run, size) / seconds;
}

/** The rows that the exporter counts as lost; undefined for those that keep no count. @param {any} run */
export function lostRows({ stats }) {
  if (stats?.lost === undefined) return undefined;
  return Object.values(stats.lost).reduce((sum, count) => sum + count, 0);
}

/** Spans per second of the calls' time, without those that the exporter counts as refused. */
export function acceptedPerSecond(run, size) {
  return ((size - (lostRows(run) ?? 0)) * 1000) / run.calls.total;
}
