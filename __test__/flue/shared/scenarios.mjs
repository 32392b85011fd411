import { call, fail, say, think } from './model.mjs';
import { closeVent, consultHerbarium, digest, hold, readHouse, survey } from './tools.mjs';

/**
 * What is played, as data, from which every line makes its own agents and workflows.
 *
 * @typedef {object} Agent
 * @property {string} name
 * @property {string} [description] of a subagent
 * @property {string} instructions
 * @property {import('./tools.mjs').Tool[]} [tools]
 * @property {Agent[]} [subagents]
 * @property {string} [thinkingLevel]
 * @property {{ reserveTokens?: number, keepRecentTokens?: number }} [compaction]
 * @property {(given: { log: any, prompt: (text: string) => Promise<string> }) => Promise<void>} [onStart]
 *   a hook, in lines that have hooks
 *
 * @typedef {object} Message
 * @property {string} text
 * @property {string} [to] the agent; the first one by default
 * @property {string} [instance]
 * @property {{ data: string, mimeType: string }} [image]
 * @property {boolean} [fails]
 * @property {boolean} [aborts] the user stops it while the tool `hold` runs
 * @property {boolean} [dispatched] with `dispatch()` of 1.0-beta, which does not wait for the response
 *
 * @typedef {object} Workflow
 * @property {string} name
 * @property {Agent} agent
 * @property {(given: { harness: any, input: any, log: any, v: any }) => Promise<unknown>} run
 *
 * @typedef {object} Run
 * @property {Workflow} workflow
 * @property {object} input
 * @property {boolean} [fails]
 *
 * @typedef {object} Scenario
 * @property {Record<string, import('./model.mjs').Turn[]>} script the model's turns, by prompt
 * @property {import('./model.mjs').Turn} [summary] how it summarises
 * @property {{ contextWindow?: number, tokensPerSecond?: number }} [model]
 * @property {Agent[]} [agents]
 * @property {Message[]} [messages]
 * @property {Run[]} [runs]
 * @property {boolean} [together] all messages or runs at once; one after the other by default
 */

/** @type {Agent} */
export const keeper = {
  name: 'Keeper',
  instructions: 'You keep a small greenhouse. Check before you answer.',
  tools: [readHouse, closeVent],
};

/** @type {Agent} */
const librarian = {
  name: 'librarian',
  description: 'Finds what the herbarium knows.',
  instructions: 'You are the librarian. Answer from the herbarium.',
  tools: [consultHerbarium],
};

/** @type {Agent} */
export const botanist = {
  name: 'botanist',
  description: 'Knows what every plant in the greenhouse can bear.',
  instructions: 'You are the botanist. Ask the librarian when you are unsure.',
  subagents: [librarian],
};

/** A red pixel. */
export const image = {
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  mimeType: 'image/png',
};

/** Several turns with thinking: two tools at once, one that fails, one that does not exist. */
const tools = {
  agents: [{ ...keeper, thinkingLevel: 'medium' }],
  messages: [{ text: 'How do the houses stand?' }, { text: 'Thank you.' }],
  script: {
    'How do the houses stand?': [
      [
        think('The thermometers first, both at once.'),
        say('Measuring.'),
        call('read_house', { house: 'orchids' }, 'call_1'),
        call('read_house', { house: 'ferns' }, 'call_2'),
      ],
      [think('The vent should be closed.'), call('close_vent', { vent: 'north' }, 'call_3')],
      [call('close_roof', { half: true }, 'call_4')],
      [think('That is all I can do.'), say('Orchids 17.5 °C, ferns 14.2 °C; the vent is jammed.')],
    ],
    'Thank you.': ['You are welcome.'],
  },
};

/** Two subagents at once, of which one delegates to a subagent of its own. */
const task = {
  agents: [{ ...keeper, subagents: [botanist] }],
  messages: [{ text: 'Will the plants bear the night?' }],
  model: { tokensPerSecond: 1000 },
  script: {
    'Will the plants bear the night?': [
      [
        say('I will ask the botanist about both.'),
        call('task', taskOf('botanist', 'How cold may Dracula simia get?'), 'call_1'),
        call('task', taskOf('botanist', 'How dry may Asplenium nidus get?'), 'call_2'),
      ],
      'Both will bear it, if the orchids stay above 9 °C.',
    ],
    'How cold may Dracula simia get?': [
      [call('task', taskOf('librarian', 'Look up Dracula simia.'), 'call_3')],
      'Nine degrees for one night.',
    ],
    'How dry may Asplenium nidus get?': ['Never below half humidity.'],
    'Look up Dracula simia.': [
      [call('consult_herbarium', { species: 'Dracula simia' }, 'call_4')],
      'It comes from cloud forests and bears 9 °C.',
    ],
  },
};

/** A history that outgrows the model's window and is summarised. */
const compaction = {
  agents: [{ ...keeper, compaction: { reserveTokens: 3500, keepRecentTokens: 500 } }],
  messages: [1, 2, 3].map((day) => ({
    text: `Note day ${day}. ${'The fog was thick. '.repeat(330)}`,
  })),
  model: { contextWindow: 9000 },
  summary: '## Goal\nKeep the diary.\n\n## Progress\nThe days so far are noted.',
  script: Object.fromEntries(
    [1, 2, 3].map((day) => [`Note day ${day}.`, [`Day ${day} is noted.`]]),
  ),
};

/** The same, but the summariser fails. */
const compactionFailure = { ...compaction, summary: fail('400 the summariser is out of order') };

/** Model calls that fail, at once and in the middle, and one that is cut off. */
const errors = {
  agents: [keeper],
  messages: [
    { text: 'Are you there?', instance: 'refused', fails: true },
    { text: 'What do you see?', instance: 'broken-off', fails: true },
    { text: 'Tell me everything.', instance: 'cut-off' },
  ],
  script: {
    'Are you there?': [fail('401 invalid x-api-key')],
    'What do you see?': [fail('400 the content was filtered', [say('I see an')])],
    'Tell me everything.': [{ content: [say('It began with a seed, and')], stopReason: 'length' }],
  },
};

/** @returns {Agent} */
const keeperOf = (side) => ({
  ...keeper,
  name: `${side}Keeper`,
  instructions: `You keep the ${side}.`,
});

/** Two agents at once, with the same tool call ids. */
const interleaved = {
  agents: [keeperOf('North'), keeperOf('South')],
  messages: [
    { text: 'How does the north stand?', to: 'NorthKeeper', instance: 'house-1' },
    { text: 'How does the south stand?', to: 'SouthKeeper', instance: 'house-2' },
  ],
  together: true,
  model: { tokensPerSecond: 300 },
  script: {
    'How does the north stand?': [
      [think('The orchids.'), call('read_house', { house: 'orchids' }, 'call_same')],
      'The north is at 17.5 °C.',
    ],
    'How does the south stand?': [
      [think('The ferns.'), call('read_house', { house: 'ferns' }, 'call_same')],
      'The south is at 14.2 °C.',
    ],
  },
};

/** And with the same instance id. 0.11 and 1.0-beta do not run such agents at once. */
const interleavedShared = {
  ...interleaved,
  messages: interleaved.messages.map(({ text, to }) => ({ text, to, instance: 'shared' })),
};

const imageInput = {
  agents: [keeper],
  messages: [{ text: 'What is on this picture?', image }],
  script: { 'What is on this picture?': ['A single red pixel.'] },
};

/** Calls with what some providers send as ids. */
const callIds = {
  agents: [keeper],
  messages: [{ text: 'How is everything?' }],
  script: {
    'How is everything?': [
      [call('read_house', { house: 'orchids' }, '')],
      [call('read_house', { house: 'ferns' }, 7)],
      [call('close_vent', { vent: 'roof' }, null)],
      'All is well.',
    ],
  },
};

/** Calls of one turn with the same id. Later lines than 0.x fail the turn. */
export const sameIds = {
  agents: [keeper],
  messages: [{ text: 'Look and close.' }],
  script: {
    'Look and close.': [
      [
        call('read_house', { house: 'orchids' }, 'call_0'),
        call('close_vent', { vent: 'roof' }, 'call_0'),
      ],
      'Done.',
    ],
  },
};

/** Log lines of a tool, and of a hook where there are hooks. */
const logs = {
  agents: [
    {
      ...keeper,
      tools: [survey],
      onStart: async ({ log }) => log.info('the keeper wakes up', { lamp: 'on' }),
    },
  ],
  messages: [{ text: 'Survey the orchids.' }],
  script: {
    'Survey the orchids.': [
      [call('survey', { house: 'orchids' }, 'call_1')],
      'Wet leaves, and a probe is silent.',
    ],
  },
};

/** Prompts inside tools, and inside a hook where there are hooks. */
const nested = {
  agents: [
    {
      ...keeper,
      tools: [digest, readHouse],
      onStart: async ({ prompt }) => void (await prompt('Is anything left from yesterday?')),
    },
  ],
  messages: [{ text: 'Digest the notes.' }],
  script: {
    'Is anything left from yesterday?': ['Nothing is left.'],
    'Digest the notes.': [
      [call('digest', { subject: 'frost' }, 'call_1')],
      [call('digest', { subject: 'humidity' }, 'call_2')],
      'Both are digested.',
    ],
    'Digest: frost.': [
      [call('read_house', { house: 'ferns' }, 'call_3')],
      'Frost comes after clear evenings.',
    ],
    'Digest: humidity.': ['Humidity falls when the heater runs.'],
  },
};

/** Two tools at once that both prompt: only the async context distinguishes their prompts. */
const nestedParallel = {
  ...nested,
  script: {
    ...nested.script,
    'Digest the notes.': [
      [
        call('digest', { subject: 'frost' }, 'call_1'),
        call('digest', { subject: 'humidity' }, 'call_2'),
      ],
      'Both are digested.',
    ],
  },
};

/** @type {Agent} */
export const watchman = {
  name: 'watchman',
  description: 'Watches the doors.',
  instructions: 'You are the watchman. Hold the door.',
  tools: [hold],
};

/** What the script of a scenario with the tool `hold` and the watchman has. */
export const holdingScript = {
  'Hold the door.': [[say('Holding.'), call('hold', { door: 'north' }, 'call_1')], 'It is shut.'],
  'Let the watchman hold it.': [
    [
      call(
        'task',
        { agent: 'watchman', prompt: 'Hold the other door.', description: 'hold' },
        'call_2',
      ),
    ],
    'It is shut.',
  ],
  'Hold the other door.': [[call('hold', { door: 'south' }, 'call_3')], 'It is shut.'],
};

/** The user stops what runs: a tool, and a tool of a subagent. */
const aborted = {
  agents: [{ ...keeper, tools: [hold], subagents: [watchman] }],
  messages: [
    { text: 'Hold the door.', aborts: true, fails: true },
    { text: 'Let the watchman hold it.', aborts: true, fails: true },
  ],
  script: holdingScript,
};

/** @type {Record<string, Scenario>} */
export const scenarios = {
  aborted,
  tools,
  task,
  compaction,
  'compaction-failure': compactionFailure,
  errors,
  'call-ids': callIds,
  interleaved,
  'interleaved-shared': interleavedShared,
  image: imageInput,
  logs,
  nested,
  'nested-parallel': nestedParallel,
};

/** @param {string} agent @param {string} prompt */
function taskOf(agent, prompt) {
  return { agent, prompt, description: prompt.replace(/[.?]$/, '').toLowerCase() };
}
