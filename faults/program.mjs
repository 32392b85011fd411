/**
 * One process under test: `node faults/program.mjs <plan as JSON>`. It prints on stdout when it begins
 * to work and when it begins to end.
 *
 * @typedef {object} Plan
 * @property {string} exporter a name of `benchmark/contenders.mjs`
 * @property {object} [options] of `initLogger`
 * @property {Workload} workload
 * @property {import('./endings.mjs').Ending} ending
 * @property {'worker' | 'cluster' | 'fork'} [place] where it runs; default: right here
 * @property {NodeJS.Signals | 'exit'} [killBy] see `host.mjs`
 * @property {Listener} [listener] what another listener of `exit`, before those of the exporter, does
 * @property {number} [maskMs] how long a masking function takes for a field; default: there is none
 * @property {boolean} [exhausts] whether all file descriptors are taken once the exporter is initialised
 * @property {string} events a file for the recorded events; see `expectation.mjs`
 * @property {string} numbers a file for the exporter's own counters at the end
 *
 * @typedef {'exit' | 'throw'} Listener
 *
 * @typedef {object} Workload
 * @property {'agent' | 'burst' | 'idle'} kind a real agent, made-up tool calls, or nothing at all
 * @property {'short' | 'full'} [script] of the agent
 * @property {number} [rounds] of the agent, or of tool calls; default 1
 * @property {number} [pauseMs] between two rounds
 * @property {number} [tokensPerSecond] how fast the agent's model streams
 * @property {number} [calls] tool calls of a round
 * @property {number} [giant] the size of one call's result, in the second round
 */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { instrument, observe as observeFlue } from '@flue/runtime';
import { contenderOf } from '../benchmark/contenders.mjs';
import { startAgent } from './agent.mjs';
import { end, handleSignals } from './endings.mjs';
import { recorder } from './expectation.mjs';
import { host } from './host.mjs';
import { operation } from './synthetic.mjs';

/** @type {Plan} */
const plan = JSON.parse(process.argv[2]);
const say = (word) => writeSync(1, `${word} ${Date.now()}\n`);
const announce = () => say('ending');

if (plan.place === undefined) await runScenario();
else await host(plan.place, { ...plan, place: undefined }, plan.killBy);

async function runScenario() {
  const { exporter, options, workload, ending } = plan;
  const record = recorder(plan.events);
  if (workload.kind === 'agent') observeFlue(record);
  if (plan.listener !== undefined) listenForExit(plan.listener);
  const tracer = await contenderOf(exporter).load(options);
  if (plan.maskMs !== undefined) tracer.setMaskingFunction?.(slowMask(plan.maskMs));
  const restore = plan.exhausts ? exhaustDescriptors() : () => {};
  // After those of the exporter: it has done what it does at the end.
  process.on('exit', () => {
    restore();
    if (tracer.stats) writeFileSync(plan.numbers, JSON.stringify(tracer.stats()));
  });
  const { flush } = tracer;
  if (workload.kind === 'agent') {
    register(tracer);
    await playAgent(workload, ending, flush);
    return;
  }
  const app = { flush, stop: async () => {} };
  handleSignals(app, ending);
  say('working');
  if (workload.kind === 'burst') {
    await burst(workload, (event) => {
      record(event);
      tracer.observe(event);
    });
  }
  await end(app, ending, announce);
}

/** @param {import('./program.mjs').Listener} act */
function listenForExit(act) {
  process.on('exit', () => {
    if (act === 'throw') throw new Error('thrown by a listener');
    process.exit(0);
  });
}

/** @param {number} ms for each field */
function slowMask(ms) {
  return (value) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return value;
  };
}

/** Takes all file descriptors. Returns a function that releases them. */
function exhaustDescriptors() {
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {
    // None are left.
  }
  return () => taken.splice(0).forEach((descriptor) => closeSync(descriptor));
}

/** @param {import('../benchmark/contenders.mjs').Tracer} tracer */
function register({ observe, interceptor }) {
  if (interceptor === undefined) observeFlue(observe);
  else instrument({ key: Symbol('faults'), observe, interceptor, dispose: async () => {} });
}

/** @param {Workload} workload @param {import('./endings.mjs').Ending} ending */
async function playAgent({ script, rounds = 1, pauseMs = 0, tokensPerSecond }, ending, flush) {
  const { at = 'reply' } = ending;
  let isOver = false;
  const endNow = async () => {
    if (isOver) return;
    isOver = true;
    await end(app, ending, announce);
  };
  if (at === 'turn') {
    observeFlue(({ type }) => {
      if (type === 'text_delta') void endNow();
    });
  }
  const agent = await startAgent({
    script,
    tokensPerSecond,
    inTool: () => {
      if (at === 'tool') void endNow();
    },
  });
  const app = { flush, stop: agent.stop };
  handleSignals(app, ending);
  say('working');
  for (let round = 1; round <= rounds; round += 1) {
    if (round > 1) await sleep(pauseMs);
    await agent.ask(round);
  }
  if (at === 'reply') await endNow();
}

/** @param {Workload} workload @param {(event: any) => void} emit */
async function burst({ rounds = 1, pauseMs = 0, calls, giant }, emit) {
  const { begin, toolStart, tool, end } = operation(`${process.pid}_${Date.now()}`);
  begin().forEach(emit);
  for (let round = 1; round <= rounds; round += 1) {
    if (round > 1) await sleep(pauseMs);
    for (let number = 1; number <= calls; number += 1) {
      const call = `${round}_${number}`;
      emit(toolStart(call));
      const isGiant = giant !== undefined && round === 2 && number === 1;
      emit(tool(call, isGiant ? 'x'.repeat(giant) : undefined));
    }
  }
  end().forEach(emit);
}
