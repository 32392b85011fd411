import { beside } from './beside.mjs';
import { names } from './contenders.mjs';
import { conversations, growth, histogram, kinds, fleet } from './conversation-tables.mjs';
import { SHORT_TURNS, TIMES_SHORT } from './experiments.mjs';
import { table } from './table.mjs';
import { spans, throughput, memory, rules, startup, interceptor } from './tables.mjs';

/**
 * @param {object} all
 * @param {import('./results.mjs').Results} all.results
 * @param {import('./criteria.mjs').Verdict[]} all.verdicts
 * @param {string[]} all.machine
 * @param {import('./experiments.mjs').Experiment[]} all.experiments
 * @param {{ minutes: number, repetitions: number, how: string }} all.run `how`: its options
 * @returns {string} Markdown
 */
export function report({ results, verdicts, machine, experiments, run }) {
  const ran = (name) => experiments.some((experiment) => experiment.name === name);
  const has = (name, size) => results.sizes(name).includes(size);
  const sections = [
    preamble(machine, run),
    targets(verdicts),
    ...(names.includes('before') ? [beside(results, experiments)] : []),
    ...(ran('replay') ? [conversations(results, 'replay')] : []),
    ...(has('replay', 400) ? [growth(results, 'replay')] : []),
    ...(has('replay', 200) ? [histogram(results)] : []),
    ...(ran('paced') ? [conversations(results, 'paced'), kinds(results)] : []),
    ...(ran('fresh') ? [conversations(results, 'fresh')] : []),
    ...(ran('live') ? [conversations(results, 'live')] : []),
    ...(has('live', 400) ? [growth(results, 'live')] : []),
    ...experiments
      .filter(({ scenario }) => scenario === 'fleet')
      .map((experiment) => fleet(results, experiment)),
    ...(ran('spans') ? [spans(results)] : []),
    ...['throughput', 'throughput-sink'].filter(ran).map((name) => throughput(results, name)),
    ...['memory-deaf', 'memory-hole'].filter(ran).map((name) => memory(results, name)),
    ...(ran('rules') ? [rules(results)] : []),
    ...(ran('startup') ? [startup(results)] : []),
    ...(ran('interceptor') ? [interceptor(results)] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function preamble(machine, { minutes, repetitions, how }) {
  return [
    '# What tracing costs',
    '',
    `Measured ${new Date().toISOString().slice(0, 10)} in ${minutes.toFixed(0)} minutes by ` +
      `\`npm run bench${how}\`.`,
    '',
    ...machine.map((line) => `- ${line}`),
    '',
    `Every figure is the median of ${repetitions} processes (in brackets the least and the most), of ${TIMES_SHORT} times as`,
    `many for conversations of up to ${SHORT_TURNS} turns, which ran one after the other and interleaved. Every process first`,
    'compiles its code on another conversation,',
    'waits until that is delivered, and collects all garbage. **Loop** is the time in which the event loop',
    'was busy (`eventLoopUtilization().active`) until everything was delivered, less that of the run',
    'which traces nothing; **calls** is the part spent inside the observer. **Loop CPU** is the CPU time',
    "of the loop's thread, which other processes on the machine do not lengthen. The servers are other",
    'processes; what a contender lost is shown only if it keeps count. Where event-loop time is measured they answer in 60 ms, as over a network, and give way.',
  ].join('\n');
}

function targets(verdicts) {
  const sign = (passed) => (passed === undefined ? 'not measured' : passed ? 'met' : '**missed**');
  const rows = verdicts.map(({ target, measured, passed }) => [target, measured, sign(passed)]);
  return `## Targets\n\n${table(['target', 'measured', ''], rows)}`;
}
