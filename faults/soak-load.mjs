/**
 * A process under constant load: `node faults/soak-load.mjs <job as JSON>`. Small tool calls, a large
 * one each second, and a real agent's conversations of 25 turns one after the other. Ends naturally.
 *
 * @typedef {object} Job
 * @property {number} seconds
 * @property {number} perSecond made-up spans
 * @property {string} events a file for what the exporter is told; see `expectation.mjs`
 * @property {string} numbers a file for what it says at the end
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { instrument, observe as observeFlue } from '@flue/runtime';
import { contenderOf } from '../benchmark/contenders.mjs';
import { startAgent } from '../benchmark/flue.mjs';
import { recorder } from './expectation.mjs';
import { operation } from './synthetic.mjs';

const TICKS_PER_SECOND = 10;
const LARGE = 200_000;
const TURNS = 25;
const CONVERSATION_EVERY_MS = 3000;
const FLUSH_MS = 60_000;

/** @type {Job} */
const job = JSON.parse(process.argv[2]);
const record = recorder(job.events);
const { observe, interceptor, flush, stats } = await contenderOf('ours').load();
observeFlue(record);
instrument({ key: Symbol('soak'), observe, interceptor, dispose: async () => {} });
const agent = await startAgent();
const until = performance.now() + job.seconds * 1000;
let unbalanced = 0;

await Promise.all([produce(), converse()]);
await agent.stop();
const report = await flush({ timeoutMs: FLUSH_MS });
process.on('exit', () => {
  writeFileSync(job.numbers, JSON.stringify({ unbalanced, flush: report, stats: stats() }));
});

/** One operation each second. */
async function produce() {
  const emit = (event) => {
    record(event);
    observe(event);
  };
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
    if (!isBalanced(stats())) unbalanced += 1;
  }
}

async function converse() {
  for (let number = 0; performance.now() < until; number += 1) {
    await agent.converse(`soak-${process.pid}-${number}`, TURNS);
    await sleep(CONVERSATION_EVERY_MS);
  }
}

function isBalanced({ accepted, sent, pending, spooled = 0, lost }) {
  const all = Object.values(lost).reduce((all, rows) => all + rows, sent + pending + spooled);
  return accepted === all;
}
