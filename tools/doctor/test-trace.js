'use strict';

// The test trace of `doctor`.

const { randomUUID } = require('node:crypto');
const { setTimeout: delay } = require('node:timers/promises');

const { parse, toJson } = require('../../js/json/json-string');
const { loadNative } = require('../../js/native-loader');

/** How often the counters are polled, in milliseconds. */
const LOOK_EVERY_MS = 25;

/** How long an error may last that a repetition may mend, in milliseconds. */
const REPETITION_MS = 1500;
/** Errors that no repetition mends. */
const FINAL = /answered 4(?!08|29)\d\d/;

/**
 * The outcome of the test trace.
 *
 * @typedef {object} Sent
 * @property {boolean} arrived
 * @property {string | null} error why it has not
 * @property {string} rowId of its root span
 * @property {string} traceId
 * @property {number} tookMs
 */

/**
 * Sends a trace of one span in the way of the application's traces, but without the spool.
 *
 * @param {import('../support/destination').Settings} settings
 * @param {number} timeoutMs how long to wait for its arrival at most
 * @returns {Promise<Sent>}
 */
async function sendTestTrace(settings, timeoutMs) {
  const native = loadNative();
  const runId = `run_doctor_${randomUUID()}`;
  const began = Date.now();
  const { options, ...variables } = parse(settings);
  // The spool belongs to the application, and sampling must not leave the test trace out.
  const own = { spool: false, sampleRate: 1, keepErrors: false };
  const recorder = new native.Recorder(toJson({ options: { ...options, ...own }, ...variables }));
  record(native, recorder, runId, began);

  /** @type {import('../../index.d.ts').Stats} */
  let stats;
  let failingSince = Infinity;
  do {
    await delay(LOOK_EVERY_MS);
    stats = parse(recorder.stats());
    if (stats.lastError !== null) failingSince = Math.min(failingSince, Date.now());
  } while (!isSettled(stats, Date.now() - failingSince) && Date.now() - began < timeoutMs);
  recorder.shutdownDetached(0);

  const [rowId = '', traceId = ''] = native.flueSpan(toJson({ runId }));
  const arrived = stats.sent > 0 && stats.sent === stats.accepted;
  return {
    arrived,
    error: arrived ? null : (stats.lastError ?? `no answer within ${timeoutMs / 1000} seconds`),
    rowId,
    traceId,
    tookMs: Date.now() - began,
  };
}

/**
 * Records an empty workflow run.
 *
 * @param {typeof import('../../native.d.ts')} native
 * @param {import('../../native.d.ts').Recorder} recorder
 * @param {string} runId
 * @param {number} began
 */
function record({ Priority }, recorder, runId, began) {
  const timestamp = new Date(began).toISOString();
  const common = { runId, timestamp, v: 3 };
  const start = { type: 'run_start', workflowName: 'flue-braintrust-doctor', startedAt: timestamp };
  const input = { message: 'A test by `flue-braintrust doctor`. It may be deleted.' };
  recorder.record(JSON.stringify({ ...start, input, ...common }), Priority.Start, false);
  const result = { node: process.version, platform: `${process.platform}-${process.arch}` };
  const end = { type: 'run_end', result, isError: false, durationMs: Date.now() - began };
  recorder.record(JSON.stringify({ ...end, ...common }), Priority.Continuation, false);
}

/**
 * @param {import('../../index.d.ts').Stats} stats
 * @param {number} failingMs how long there has been an error
 * @returns {boolean} whether all has arrived, or will not
 */
function isSettled({ accepted, sent, lost, lastError }, failingMs) {
  if ((accepted > 0 && sent === accepted) || Object.keys(lost).length > 0) return true;
  return lastError !== null && (FINAL.test(lastError) || failingMs > REPETITION_MS);
}

module.exports = { sendTestTrace };
