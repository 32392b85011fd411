import { once } from 'node:events';
import { call, say, think } from './model.mjs';
import { botanist, holdingScript, image, keeper, watchman } from './scenarios.mjs';
import { hold, holding } from './tools.mjs';

/**
 * Scenarios for the lines that have workflows: 0.x and 1.0-beta.
 *
 * @typedef {import('./scenarios.mjs').Scenario} Scenario
 * @typedef {import('./scenarios.mjs').Workflow} Workflow
 */

/** @type {Workflow} */
const eveningRound = {
  name: 'evening-round',
  agent: {
    ...keeper,
    subagents: [botanist],
    compaction: { reserveTokens: 2000, keepRecentTokens: 20 },
  },
  run: async ({ harness, input, log, v }) => {
    log.info('the round begins', { date: input.date });
    const session = await harness.session();
    const { text } = await session.prompt(`It is ${input.date}. How do the houses stand?`);
    await session.task('How cold may Dracula simia get?', { agent: 'botanist' });
    const { stdout } = await session.shell('echo blankets hung');
    const verdict = await session.prompt('How hard will the night be?', {
      result: v.object({ severity: v.string() }),
    });
    await session.compact();
    return { report: text, prepared: stdout.trim(), verdict: verdict.data };
  },
};

/** A prompt with a tool, a task of the workflow's own, a shell command, a structured result. */
const workflow = {
  runs: [{ workflow: eveningRound, input: { date: '21 November' } }],
  summary: '## Goal\nWalk the greenhouse before the night.',
  script: {
    'How do the houses stand?': [
      [think('The thermometer.'), call('read_house', { house: 'orchids' }, 'call_1')],
      'The orchids are at 17.5 °C.',
    ],
    'How cold may Dracula simia get?': [
      [
        call(
          'task',
          { agent: 'librarian', prompt: 'Look up Dracula simia.', description: 'look up' },
          'call_2',
        ),
      ],
      'Nine degrees for one night.',
    ],
    'Look up Dracula simia.': [
      [call('consult_herbarium', { species: 'Dracula simia' }, 'call_3')],
      'It bears 9 °C.',
    ],
    'How hard will the night be?': [[call('finish', { severity: 'hard' }, 'call_4')]],
  },
};

/** A run that fails after work that went well. */
const workflowFailure = {
  runs: [
    {
      workflow: {
        name: 'broken-round',
        agent: keeper,
        run: async ({ harness }) => {
          await (await harness.session()).prompt('Is the door open?');
          throw new TypeError('The door has no handle.');
        },
      },
      input: { door: 'south' },
      fails: true,
    },
  ],
  script: { 'Is the door open?': ['It is.'] },
};

/** Three runs of one workflow at once, with the same tool call ids. */
const parallelRuns = {
  runs: [1, 2, 3].map((round) => ({
    workflow: {
      name: 'short-round',
      agent: keeper,
      run: async ({ harness, input }) => {
        const { text } = await (await harness.session()).prompt(`Round ${input.round}, please.`);
        return { text };
      },
    },
    input: { round },
  })),
  together: true,
  model: { tokensPerSecond: 400 },
  script: Object.fromEntries(
    [1, 2, 3].map((round) => [
      `Round ${round}, please.`,
      [
        [say('Looking.'), call('read_house', { house: 'ferns' }, 'call_same')],
        `Round ${round}: the ferns are at 14.2 °C.`,
      ],
    ]),
  ),
};

/** A run that stops its own work: one that goes on after that, and two that end with it. */
const aborted = {
  runs: [
    { input: { text: 'Hold the door.', goesOn: true } },
    { input: { text: 'Hold the door.' }, fails: true },
    { input: { text: 'Hold the other door.', agent: 'watchman' }, fails: true },
  ].map(({ input, fails = false }) => ({
    input,
    fails,
    workflow: {
      name: 'stopped-round',
      agent: { ...keeper, tools: [hold], subagents: [watchman] },
      run: async ({ harness, input: { text, agent, goesOn } }) => {
        const session = await harness.session();
        const held = once(holding, 'held');
        const work = agent ? session.task(text, { agent }) : session.prompt(text);
        void held.then(() => work.abort());
        try {
          return await work;
        } catch (error) {
          if (goesOn) return { stoppedBy: error.name };
          throw error;
        }
      },
    },
  })),
  script: holdingScript,
};

/** @type {Record<string, Scenario>} */
export const workflows = {
  'workflow-aborted': aborted,
  workflow,
  'workflow-failure': workflowFailure,
  'parallel-runs': parallelRuns,
};

/** Log lines of a workflow, for lines in which no tool and no hook can log. */
export const workflowLogs = {
  runs: [
    {
      workflow: {
        name: 'noted-round',
        agent: keeper,
        run: async ({ harness, log }) => {
          log.info('the round begins', { lamp: 'on' });
          await (await harness.session()).prompt('Is it dry?');
          log.warn('leaves are wet', { share: 0.4, rows: [1, 2, { spotted: true }] });
          log.error('a probe is silent', { error: new RangeError('No answer from probe 7.') });
          return 'noted';
        },
      },
      input: {},
    },
  ],
  script: { 'Is it dry?': ['It is not.'] },
};

/** An image to a session, for lines in which a message to an agent carries none. */
export const workflowImage = {
  runs: [
    {
      workflow: {
        name: 'look',
        agent: keeper,
        run: async ({ harness }) => {
          const session = await harness.session();
          const images = [{ type: 'image', ...image }];
          return (await session.prompt('What is on this picture?', { images })).text;
        },
      },
      input: {},
    },
  ],
  script: { 'What is on this picture?': ['A single red pixel.'] },
};
