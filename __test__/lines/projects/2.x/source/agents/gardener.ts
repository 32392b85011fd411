'use agent';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTool, useModel, useTool } from '@flue/runtime';
import * as v from 'valibot';
import { model } from '../model.ts';

const readHouse = defineTool({
  name: 'read_house',
  description: 'Read the temperature in one of the houses.',
  input: v.object({ house: v.string() }),
  run: async ({ data }) => {
    await sleep(Number(process.env.TOOL_MS ?? 0));
    return { output: { house: data.house, celsius: 17.5 } };
  },
});

/** Looks at the house before it answers. */
export function Gardener() {
  useModel(model);
  useTool(readHouse);
  return 'You keep a small greenhouse. Check before you answer.';
}
