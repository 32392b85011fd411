/**
 * An agent on Flue 2.1.0 that is killed in the middle of its work, and recovered by the next process:
 *
 *     node __test__/flue/crash.mjs mid-tool|mid-stream|mid-task 1 <database file>   ends by SIGKILL
 *     node __test__/flue/crash.mjs mid-tool|mid-stream|mid-task 2 <database file>   ends with 0
 *
 * The environment is that of `shared/program.mjs`; UNDER_SPAN: the agent is asked under a span of the application. What was traced before the kill is delivered.
 */
import { sqlite } from '@flue/runtime/node';
import * as line from './2.1.0/line.mjs';
import { flue2 } from './shared/flue-2.mjs';
import { call, say, think } from './shared/model.mjs';
import { keeper } from './shared/scenarios.mjs';
import { trace } from './shared/tracing.mjs';

/** How long a dead process keeps its work: Flue's 30 s are long to wait. */
const LEASE_MS = 200;
const GIVE_UP_MS = 40_000;

const { flue } = line;
const [name, phase, file] = process.argv.slice(2);
const isFirst = phase === '1';

async function die() {
  await flush();
  process.kill(process.pid, 'SIGKILL');
}

const readGauge = {
  name: 'read_gauge',
  description: 'Read one of the gauges.',
  input: { gauge: 'string' },
  run: async ({ gauge }) => {
    if (isFirst && gauge === 'stuck') await die();
    return { gauge, bar: 1.2 };
  },
};

const agent = { ...keeper, tools: [readGauge] };
const prompt = 'Read the gauges.';
const readBoth = [
  [call('read_gauge', { gauge: 'main' }, 'call_1')],
  [
    say('Now the others.'),
    call('read_gauge', { gauge: 'stuck' }, 'call_2'),
    call('read_gauge', { gauge: 'spare' }, 'call_3'),
  ],
];

/** @type {Record<string, import('./shared/scenarios.mjs').Scenario>} */
const scenarios = {
  'mid-tool': {
    agents: [agent],
    script: { [prompt]: [...readBoth, 'Two gauges read; one reading was interrupted.'] },
  },
  'mid-stream': {
    agents: [agent],
    model: { tokensPerSecond: isFirst ? 40 : 2000 },
    script: {
      [prompt]: isFirst
        ? [[think('A long report is due.'), say('The main gauge stands at 1.2 bar. '.repeat(12))]]
        : // The reply of the dead process may count as a turn or not.
          ['… and so does the spare one.', '… and so does the spare one.'],
    },
  },
  'mid-task': {
    agents: [
      {
        ...keeper,
        subagents: [
          {
            name: 'plumber',
            description: 'Reads gauges.',
            instructions: 'You are the plumber.',
            tools: [readGauge],
          },
        ],
      },
    ],
    script: {
      [prompt]: [
        [
          call(
            'task',
            { agent: 'plumber', prompt: 'Read them all.', description: 'read all' },
            'call_0',
          ),
        ],
        'The plumber read two gauges.',
      ],
      'Read them all.': [...readBoth, 'Two gauges read; one reading was interrupted.'],
    },
  },
};

if (!Object.hasOwn(scenarios, name) || !['1', '2'].includes(phase) || !file) {
  throw new Error(`usage: crash.mjs ${Object.keys(scenarios).join('|')} 1|2 <database file>`);
}

const { flush } = await trace(flue);
const settled = isFirst ? undefined : nextSettlement();
const server = await flue2(line).start(scenarios[name], { db: withShortLease(sqlite(file)) });
if (isFirst) {
  if (name === 'mid-stream') dieAtFirstText();
  await ask();
  throw new Error('This process should have been killed.');
}
await settled;
await server.stop();
await flush();

/** Under a span of the application, if UNDER_SPAN is set. */
async function ask() {
  const dispatch = () => server.ask({ text: prompt });
  if (!process.env.UNDER_SPAN) return dispatch();
  const { traced } = await import('../../index.js');
  return traced(dispatch, { name: 'request' });
}

function dieAtFirstText() {
  const unsubscribe = flue.observe(({ type }) => {
    if (type !== 'text_delta') return;
    unsubscribe();
    void die();
  });
}

/** Rejects when the recovery takes too long. */
function nextSettlement() {
  const { promise, resolve, reject } = Promise.withResolvers();
  const timer = setTimeout(() => reject(new Error('Nothing was recovered.')), GIVE_UP_MS);
  flue.observe(({ type }) => {
    if (type !== 'submission_settled') return;
    clearTimeout(timer);
    resolve();
  });
  return promise;
}

/**
 * A database that grants shorter leases than it is asked for, so that the next process need not wait
 * until the killed one's has run out.
 *
 * @param {import('@flue/runtime/adapter').PersistenceAdapter} database
 */
function withShortLease(database) {
  return {
    migrate: () => database.migrate(),
    close: () => database.close(),
    connect: async () => {
      const stores = await database.connect();
      const submissionStore = new Proxy(stores.submissionStore, {
        get(store, member) {
          if (member === 'claimSubmission') {
            return (claim) =>
              store.claimSubmission({ ...claim, leaseExpiresAt: Date.now() + LEASE_MS });
          }
          const value = store[member];
          return typeof value === 'function' ? value.bind(store) : value;
        },
      });
      return { ...stores, submissionStore };
    },
  };
}
