import { type AgentRouteHandler, defineAgent, defineTool } from '@flue/runtime';
import * as v from 'valibot';
import { model } from '../model.ts';

const readHouse = defineTool({
  name: 'read_house',
  description: 'Read the temperature in one of the houses.',
  input: v.object({ house: v.string() }),
  run: async ({ input }) => ({ house: input.house, celsius: 17.5 }),
});

export const route: AgentRouteHandler = async (_c, next) => next();

/** Looks at the house before it answers. */
export default defineAgent(() => ({
  model,
  instructions: 'You keep a small greenhouse. Check before you answer.',
  tools: [readHouse],
}));
