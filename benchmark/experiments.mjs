/**
 * What is run, as data.
 *
 * @typedef {object} Experiment
 * @property {string} name
 * @property {string} scenario
 * @property {number[]} sizes turns of a conversation, or conversations, or spans, or calls
 * @property {'collector' | 'sink' | 'drain' | 'deaf' | 'hole'} server
 * @property {number} [delayMs] how long the server takes to answer
 * @property {boolean} [yields] whether the server lets the measured process go first
 * @property {number} [paceMs] how long a replay pauses after each event
 * @property {number} [perSecond] the most spans per second
 * @property {number} [turns] of each of many conversations
 * @property {number} [resultBytes] the size of a tool's result in them
 * @property {boolean} [fresh] whether nothing was replayed before in the process
 * @property {string[]} [contenders] all by default, but for those that stand apart
 * @property {number} [most] repetitions
 * @property {boolean} [grows] whether its sizes are turns
 * @property {boolean} [recorded] whether it replays a conversation of its size
 */

/** In the name of a contender that redacts. */
export const WITH_RULES = ', ten rules';

/** Conversations of up to so many turns are played more than once in a round. */
export const SHORT_TURNS = 60;
export const TIMES_SHORT = 2;

/** What a request over a network takes. The batches of all exporters grow with it. */
const NETWORK_MS = 60;

/** Long enough for the threads to finish an event and go back to sleep. */
const PACE_MS = 2;

/** Spans offered per second: above the target, so that the result can show that it is met. */
const OFFERED = 40_000;

const exporters = ['braintrust 3.17', 'braintrust 3.35', 'ours'];

/**
 * @param {boolean} quick
 * @returns {Experiment[]}
 */
export function experiments(quick) {
  const network = { server: 'collector', delayMs: NETWORK_MS, yields: true };
  const paced = { ...network, paceMs: PACE_MS };
  const replayed = quick ? [60, 200, 400] : [25, 50, 60, 100, 200, 400];
  const played = quick ? [25, 60, 200] : replayed;
  const spans = quick ? 10_000 : 50_000;
  const many = quick ? 40_000 : 200_000;
  const conversations = quick ? [16, 256] : [16, 64, 256, 1000, 4000];
  const fleet = { scenario: 'fleet', sizes: conversations, server: 'drain', most: 3 };
  const memory = { scenario: 'memory', sizes: [200, 400], grows: true, recorded: true };
  return [
    {
      name: 'replay',
      scenario: 'replay',
      sizes: replayed,
      grows: true,
      recorded: true,
      ...network,
    },
    { name: 'paced', scenario: 'replay', sizes: [60, 200], grows: true, recorded: true, ...paced },
    {
      name: 'fresh',
      scenario: 'replay',
      sizes: [60, 200],
      grows: true,
      recorded: true,
      fresh: true,
      ...network,
    },
    { name: 'live', scenario: 'live', sizes: played, grows: true, ...network },
    { name: 'fleet-30', ...fleet, turns: 30, resultBytes: 500 },
    {
      name: 'fleet-60',
      ...fleet,
      turns: 60,
      resultBytes: 2000,
      // The others take minutes for a thousand conversations.
      contenders: ['nothing', 'stringify', 'ours'],
    },
    { name: 'spans', scenario: 'spans', sizes: [spans], server: 'collector', yields: true },
    {
      name: 'throughput',
      scenario: 'spans',
      sizes: [many],
      perSecond: OFFERED,
      server: 'collector',
      contenders: exporters,
      most: 3,
    },
    {
      name: 'throughput-sink',
      scenario: 'spans',
      sizes: [many],
      server: 'sink',
      contenders: ['ours'],
      most: 3,
    },
    { name: 'memory-deaf', ...memory, server: 'deaf' },
    { name: 'memory-hole', ...memory, server: 'hole' },
    {
      name: 'rules',
      scenario: 'replay',
      sizes: [200],
      grows: true,
      recorded: true,
      server: 'sink',
      contenders: ['nothing', 'ours', `ours${WITH_RULES}`],
    },
    {
      name: 'startup',
      scenario: 'startup',
      sizes: [1],
      server: 'hole',
      contenders: ['nothing', ...exporters],
    },
    {
      name: 'interceptor',
      scenario: 'interceptor',
      sizes: [3000],
      server: 'collector',
      contenders: ['nothing', 'braintrust 3.35', 'ours'],
    },
  ];
}
