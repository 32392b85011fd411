/**
 * One measured process: `node --expose-gc benchmark/worker.mjs <job as JSON>`. Prints what it measured
 * as JSON and ends at once, whatever an exporter would still like to do.
 *
 * @typedef {object} Job
 * @property {string} scenario a file of `scenarios/`
 * @property {string} contender
 * @property {number} [size] turns, or conversations, or spans
 * @property {number} [turns] of each conversation
 * @property {number} [resultBytes] the size of a tool's result
 * @property {string} [file] a recorded conversation
 * @property {string} [warmUp] another one, to be replayed first
 * @property {number} [paceMs] how long it pauses after each event
 * @property {number} [perSecond] the most spans per second
 */
import { writeSync } from 'node:fs';
import { contenderOf } from './contenders.mjs';

/** @type {Job} */
const job = JSON.parse(process.argv[2]);
const { run } = await import(`./scenarios/${job.scenario}.mjs`);
const result = await run(job, contenderOf(job.contender));
if (result !== undefined) writeSync(1, JSON.stringify(result));
process.kill(process.pid, 'SIGKILL');
