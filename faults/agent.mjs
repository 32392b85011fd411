/**
 * The application under test: a real Flue 2.1 agent whose model is pi-ai's faux one. A round is one
 * conversation: either short, with two turns and two tools, or a full one that also delegates a task.
 * The tools take their time: a full round takes about a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  fauxAssistantMessage,
  fauxText as say,
  fauxThinking as think,
  fauxToolCall as call,
} from '@earendil-works/pi-ai/providers/faux';
import { defineTool, init, useModel, useSubagent, useTool } from '@flue/runtime';
import { start } from '@flue/runtime/node';
import * as v from 'valibot';
import { fauxModel } from '../examples/agent/faux.mts';

const TOOL_MS = 200;

const useTools = { stopReason: 'toolUse' };
const measure = (...houses) => houses.map((house) => call('read_house', { house }));
const report = 'Both houses stand well, warm, damp and closed for the night. ';

/** How often a short conversation's reply says it, so that a slow model takes long. */
const REPORTS = 12;

const short = [
  fauxAssistantMessage([think('I will look.'), ...measure('orchids', 'ferns')], useTools),
  fauxAssistantMessage([say(report.repeat(REPORTS))]),
];
const full = [
  fauxAssistantMessage([say('To the instruments.'), ...measure('orchids')], useTools),
  fauxAssistantMessage(measure('ferns', 'cacti'), useTools),
  fauxAssistantMessage(
    [call('task', { agent: 'botanist', description: 'cold limit', prompt: 'How cold?' })],
    useTools,
  ),
  fauxAssistantMessage([say(report)]),
];
const botanistRole = 'You are the botanist.';
const botanist = [
  fauxAssistantMessage(measure('orchids'), useTools),
  fauxAssistantMessage('Nine degrees is the limit.'),
];

/**
 * Starts the agent.
 *
 * @param {object} options
 * @param {'short' | 'full'} options.script
 * @param {number} [options.tokensPerSecond] default: at once
 * @param {() => void} options.inTool called in every tool call
 * @returns {Promise<{ ask: (round: number) => Promise<string>, stop: () => Promise<void> }>}
 */
export async function startAgent({ script, tokensPerSecond, inTool }) {
  const { provider, model } = fauxModel({
    tokensPerSecond,
    reply: ({ systemPrompt = '', messages }) => {
      const lines = systemPrompt.includes(botanistRole) ? botanist : { short, full }[script];
      return lines[messages.filter(({ role }) => role === 'assistant').length];
    },
  });
  const readHouse = defineTool({
    name: 'read_house',
    description: 'Read the instruments of one of the houses.',
    input: v.object({ house: v.string() }),
    run: async ({ data }) => {
      inTool();
      await sleep(TOOL_MS);
      return { output: { house: data.house, celsius: 17.5 } };
    },
  });
  function Botanist() {
    useTool(readHouse);
    return botanistRole;
  }
  function Keeper() {
    useModel(model);
    useTool(readHouse);
    if (script === 'full') {
      useSubagent({ name: 'botanist', description: 'Knows the plants.', agent: Botanist });
    }
    return 'You keep a small greenhouse.';
  }

  const flue = await start({ agents: [Keeper], providers: [provider] });
  return {
    ask: async (round) => {
      const keeper = init(Keeper, { id: `greenhouse-${round}` });
      const { text } = await keeper.read(await keeper.dispatch('How do the houses stand?'));
      return text;
    },
    stop: () => flue.stop(),
  };
}
