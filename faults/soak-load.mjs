/**
 * A process under constant load: `node faults/soak-load.mjs <job as JSON>`. Small tool calls, a large
 * one each second, and recorded conversations of an agent, one after the other: Flue itself would keep
 * them all. Ends naturally.
 *
 * @typedef {object} Job
 * @property {string} exporter
 * @property {number} seconds
 * @property {number} perSecond made-up spans
 * @property {string} conversation a recorded one
 * @property {string} events a file for the recorded events; see `expectation.mjs`
 * @property {string} numbers a file for the exporter's counters at the end
 */
import { writeFileSync } from 'node:fs';
import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import { contenderOf } from '../benchmark/contenders.mjs';
import { load } from '../benchmark/conversation.mjs';
import { recorder } from './expectation.mjs';
import { operation } from './synthetic.mjs';

const TICKS_PER_SECOND = 10;
const LARGE = 200_000;
const CONVERSATION_EVERY_MS = 3000;
const FLUSH_MS = 60_000;

const IDS = ['conversationId', 'submissionId', 'operationId', 'turnId', 'toolCallId'];

/** @type {Job} */
const job = JSON.parse(process.argv[2]);
const record = recorder(job.events);
const { observe, flush, stats } = await contenderOf(job.exporter).load();
const until = performance.now() + job.seconds * 1000;
let unbalanced = 0;

await Promise.all([produce(), converse()]);
const report = await flush({ timeoutMs: FLUSH_MS });
process.on('exit', () => {
  writeFileSync(job.numbers, JSON.stringify({ unbalanced, flush: report, stats: stats?.() }));
});

function emit(event) {
  record(event);
  observe(event);
}

/** One operation each second. */
async function produce() {
  for (let second = 0; performance.now() < until; second += 1) {
    const began = performance.now();
    const { begin, toolStart, tool, end } = operation(`${process.pid}_${second}`);
    begin().forEach(emit);
    emit(toolStart('large'));
    emit(tool('large', 'x'.repeat(LARGE)));
    for (let tick = 1; tick <= TICKS_PER_SECOND; tick += 1) {
      for (let number = 0; number < job.perSecond / TICKS_PER_SECOND; number += 1) {
        emit(toolStart(`${tick}_${number}`));
        emit(tool(`${tick}_${number}`));
      }
      await sleep(Math.max(0, began + (tick * 1000) / TICKS_PER_SECOND - performance.now()));
    }
    end().forEach(emit);
    if (stats !== undefined && !isBalanced(stats())) unbalanced += 1;
  }
}

async function converse() {
  const conversation = load(job.conversation);
  for (let number = 0; performance.now() < until; number += 1) {
    for (let index = 0; index < conversation.length; index += 1) {
      const event = conversation.event(index);
      emit(renamed(event, `${process.pid}-${number}`));
      if (event.type === 'turn') await nextLoop();
    }
    await sleep(CONVERSATION_EVERY_MS);
  }
}

/** The same event under ids of its own. @param {any} event @param {string} name */
function renamed(event, name) {
  const copy = { ...event };
  for (const id of IDS) if (copy[id] !== undefined) copy[id] = `${copy[id]}-${name}`;
  return Object.freeze(copy);
}

function isBalanced({ accepted, sent, pending, spooled = 0, lost }) {
  const all = Object.values(lost).reduce((all, rows) => all + rows, sent + pending + spooled);
  return accepted === all;
}
