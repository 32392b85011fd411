/**
 * A real Flue 2.1 agent, offline: its model is pi-ai's faux one at full speed, its tool answers at
 * once with 2 KB of text. Every fifth turn ends a submission, the other four call the tool. A model
 * that answers from memory would never let the event loop turn, so it waits for the loop once per
 * answer, as any model does that is reached through a socket.
 */
import { setImmediate as nextLoop } from 'node:timers/promises';
import { defineTool, init, useModel, useTool } from '@flue/runtime';
import { start } from '@flue/runtime/node';
import { calculateCost, createProvider } from '@earendil-works/pi-ai';
import {
  createFauxCore,
  fauxAssistantMessage,
  fauxText,
  fauxToolCall,
} from '@earendil-works/pi-ai/providers/faux';
import * as v from 'valibot';
import { priced } from '../examples/priced.mts';

/** How many turns a submission takes: all but the last call the tool. */
const TURNS_PER_SUBMISSION = 5;

/** The size of a tool's result, in characters. */
const RESULT_SIZE = 2048;

const cost = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

/**
 * Starts the agent.
 *
 * @returns {Promise<{ converse: (id: string, turns: number) => Promise<void>, stop: () => Promise<void> }>}
 *   `converse` leads one conversation, of so many turns
 */
export async function startAgent() {
  const core = createFauxCore({
    api: 'faux-messages',
    provider: 'greenhouse',
    tokenSize: { min: 4, max: 4 },
    // No conversation here may outgrow the window: a compaction would end its growth.
    models: [{ id: 'moss-1', reasoning: true, cost, contextWindow: 1e8, maxTokens: 1024 }],
  });
  let answered = 0;
  const stream = priced((model, context, options) => {
    answered += 1;
    const message = reply(answered);
    core.setResponses([async () => (await nextLoop(), message)]);
    return core.stream(model, context, options);
  }, calculateCost);
  const provider = createProvider({
    id: core.provider,
    auth: { apiKey: { name: 'none', resolve: async () => ({ auth: {} }) } },
    models: core.models,
    api: { stream, streamSimple: stream },
  });

  let readings = 0;
  const readHouse = defineTool({
    name: 'read_house',
    description: 'Read the instruments of one of the houses.',
    input: v.object({ house: v.string(), shelf: v.number() }),
    run: async () => ({ output: reading((readings += 1)) }),
  });
  function Keeper() {
    useModel(`${core.provider}/moss-1`);
    useTool(readHouse);
    return 'You keep a greenhouse. Read the instruments before you answer, and answer in a sentence.';
  }

  const server = await start({ agents: [Keeper], providers: [provider] });
  return {
    converse: async (id, turns) => {
      answered = 0;
      const keeper = init(Keeper, { id });
      for (let asked = 0; asked < turns / TURNS_PER_SUBMISSION; asked += 1) {
        const receipt = await keeper.dispatch(`Round ${asked + 1}: how do the houses stand now?`);
        await keeper.read(receipt);
      }
    },
    stop: () => server.stop(),
  };
}

/** @param {number} turn of the conversation, from 1 */
function reply(turn) {
  if (turn % TURNS_PER_SUBMISSION === 0) {
    return fauxAssistantMessage(
      `After turn ${turn} both houses stand well: warm, damp and closed.`,
    );
  }
  const asks = { house: turn % 2 ? 'orchids' : 'ferns', shelf: turn };
  const content = [fauxText(`Turn ${turn}: to the instruments.`), fauxToolCall('read_house', asks)];
  return fauxAssistantMessage(content, { stopReason: 'toolUse' });
}

/**
 * The result of the tool. No two readings are equal, as in a real application.
 *
 * @param {number} number
 */
function reading(number) {
  const line = `reading ${number}: 17.5 degrees, 81 percent humidity, "vents" closed\n`;
  return line.repeat(Math.ceil(RESULT_SIZE / line.length)).slice(0, RESULT_SIZE);
}
