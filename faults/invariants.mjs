/** Checks what this package promises of delivery, accounting and the end of the process. */

/** An exit may take as long as the exit timeout's default, and what a busy machine adds. */
const EXIT_MS = 2000;
const BUSY_MS = 750;

/** How long a flush waits by default. */
const FLUSH_MS = 10_000;

/**
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {import('./run-scenario.mjs').Run} run
 * @param {import('./run-scenario.mjs').Run} baseline the same without tracing
 * @param {number} [patience] how many times as much a busy machine may add
 * @returns {string[]} what is broken; nothing when all is well
 */
export function brokenInvariants(scenario, run, baseline, patience = 1) {
  return [
    ...ofDelivery(scenario, run),
    ...ofAccounts(scenario, run),
    ...ofEnding(scenario, run, baseline, patience * BUSY_MS),
  ];
}

/**
 * The rows that the exporter counts as lost, or as sent without content, since they were not masked in time: without a name
 * and the ids of Flue, such spans are not recognised.
 * @param {import('./run-scenario.mjs').Run} run
 * @param {import('./scenarios.mjs').Scenario} scenario
 */
export function reported({ numbers }, { maskMs }) {
  const counted = ({ lost, cut }) => sum(lost) + (maskMs === undefined ? 0 : cut);
  return numbers.reduce((all, one) => all + counted(one), 0);
}

function ofDelivery({ promise }, { counts, repeated, unseen, problems, checkFailure }) {
  const { lost, open, twice, due } = counts;
  const found = [];
  if (promise === 'all' && lost > 0) found.push(`${lost} spans are lost`);
  if (promise === 'all' && open > 0) found.push(`${open} spans have no start or no end`);
  if (promise === 'rejected' && unseen > 0) found.push(`${unseen} other spans are lost`);
  if (promise === 'due' && due > 0) found.push(`${due} spans or ends are lost`);
  if (promise === 'due' && open > 0) found.push(`${open} spans stay open`);
  if (twice > 0) found.push(`${twice} spans are there twice`);
  // A process that is killed after a confirmation and before it removes the file leaves rows that are sent again. They
  // are merges, and change nothing.
  if (repeated > 0 && promise !== 'due') found.push(`${repeated} confirmed rows were sent again`);
  if (checkFailure !== undefined) found.push(checkFailure);
  return [...found, ...new Set(problems)];
}

/**
 * A process that a signal ends, a terminated worker, and one whose `exit` listeners do not all run report no numbers.
 */
function ofAccounts(scenario, run) {
  const { promise, uncertain, ending, listener, spool } = scenario;
  const { numbers, confirmed, counts, ended } = run;
  if (promise === 'due' || promise === 'nothing') return [];
  if (numbers.length === 0) {
    const isSilent = ended.signal !== null || ending.act === 'surrender';
    return isSilent || listener !== undefined ? [] : ['it prints no numbers'];
  }

  const found = [];
  for (const { accepted, sent, pending, spooled = 0, lost } of numbers) {
    const all = sent + pending + spooled + sum(lost);
    if (accepted !== all) found.push(`${accepted} rows accepted, ${all} accounted for`);
    if (pending > 0) found.push(`${pending} rows pending at the end`);
  }
  const sent = numbers.reduce((all, { sent }) => all + sent, 0);
  // Rows of a span that waited in the spool are merged: the server confirms them as one.
  const isLess = !uncertain && sent < confirmed;
  if (isLess || (sent > confirmed && !spool)) {
    found.push(`${sent} rows are counted as sent, ${confirmed} were confirmed`);
  }
  const missing = counts.lost + counts.open;
  const counted = reported(run, scenario);
  // A span is one row or two: with one of them lost it may be there all the same.
  if (counted < missing)
    found.push(`${counted} rows are counted as lost, ${missing} spans or ends are`);
  if (promise === 'rejected' && counted !== run.rejected) {
    found.push(`${counted} rows are counted as lost, ${run.rejected} were rejected`);
  }
  return found;
}

function ofEnding({ ending }, run, baseline, busyMs) {
  const { ended, leaked } = run;
  const { ended: alone } = baseline;
  const flushMs = ending.act === 'flush' ? (ending.flushMs ?? FLUSH_MS) : 0;
  const found = [];
  if (ended.cut) found.push('it hung');
  else if (statusOf(ended) !== statusOf(alone)) {
    found.push(`it ended with ${statusOf(ended)}, not ${statusOf(alone)}`);
  }
  const delay = delayOf(run, baseline);
  if (delay > EXIT_MS + busyMs + flushMs) found.push(`its end took ${Math.round(delay)} ms longer`);
  if (leaked) found.push('the key was written');
  return found;
}

/**
 * By how much the end of the process took longer, milliseconds.
 *
 * @param {import('./run-scenario.mjs').Run} run
 * @param {import('./run-scenario.mjs').Run} baseline
 */
export const delayOf = (run, baseline) => run.endingMs - baseline.endingMs;

/** @param {import('./process.mjs').Ended} ended */
export const statusOf = ({ code, signal }) => signal ?? String(code);

const sum = (lost) => Object.values(lost).reduce((all, rows) => all + rows, 0);
