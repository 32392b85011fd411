import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineAgent,
  defineAgentProfile,
  defineSkill,
  defineTool,
  defineWorkflow,
} from '@flue/runtime';
import * as v from 'valibot';
import { registerFauxModel } from './faux.mjs';
import { botanistRole, reply } from './script.mjs';

const houses = {
  orchids: { latency: 140, celsius: 17.5, humidity: 81 },
  ferns: { latency: 60, celsius: 14.2, humidity: 88 },
};

const readHouse = defineTool({
  name: 'read_house',
  description: 'Read temperature and humidity in one of the houses.',
  input: v.object({ house: v.picklist(['orchids', 'ferns']) }),
  run: async ({ input }) => {
    const { latency, ...reading } = houses[input.house];
    await sleep(latency);
    return { house: input.house, ...reading };
  },
});

const consultHerbarium = defineTool({
  name: 'consult_herbarium',
  description: 'Look a species up in the herbarium.',
  input: v.object({ species: v.string() }),
  run: async ({ input }) => {
    await sleep(90);
    return { species: input.species, home: 'cloud forest', minimumC: 9 };
  },
});

const model = registerFauxModel(reply);

const keeper = defineAgent(() => ({
  model,
  instructions: 'You keep a small greenhouse.',
  tools: [readHouse],
  skills: [
    defineSkill({
      name: 'frost-watch',
      description: 'What to do before a night of frost.',
      instructions: 'Hang the blankets under the roof vents. Leave the heater on low.',
    }),
  ],
  subagents: [
    defineAgentProfile({
      name: 'botanist',
      description: 'Knows what every plant in the greenhouse can bear.',
      instructions: botanistRole,
      tools: [consultHerbarium],
    }),
  ],
  compaction: { reserveTokens: 2000, keepRecentTokens: 20 },
}));

/** The round before the night: measure, ask, prepare for frost, and keep only what matters. */
export const eveningRound = defineWorkflow({
  agent: keeper,
  input: v.object({ date: v.string(), lowC: v.number() }),
  output: v.object({ report: v.string(), prepared: v.string() }),
  run: async ({ harness, input }) => {
    const session = await harness.session();
    const round = await session.prompt(`It is ${input.date}. How do the houses stand?`);
    const frost = await session.skill('frost-watch', { args: { lowC: input.lowC } });
    await session.compact();
    return { report: round.text, prepared: frost.text };
  },
});
