import { setTimeout as sleep } from 'node:timers/promises';
import { defineTool } from '@flue/runtime';
import * as v from 'valibot';

/** The greenhouse's instruments. Each takes its own time, so that the trace shows it. */

export const readForecast = defineTool({
  name: 'read_forecast',
  description: 'Read the forecast for the coming night.',
  input: v.object({ hours: v.number() }),
  run: async ({ data }) => {
    await sleep(110);
    return { output: { hours: data.hours, lowC: -4, sky: 'clear' } };
  },
});

const houses: Record<string, { latency: number; celsius: number; humidity: number }> = {
  orchids: { latency: 240, celsius: 17.5, humidity: 81 },
  ferns: { latency: 80, celsius: 14.2, humidity: 88 },
};

export const readHouse = defineTool({
  name: 'read_house',
  description: 'Read temperature and humidity in one of the houses.',
  input: v.object({ house: v.picklist(['orchids', 'ferns']) }),
  run: async ({ data }) => {
    const { latency, ...reading } = houses[data.house];
    await sleep(latency);
    return { output: { house: data.house, ...reading } };
  },
});

export const closeVent = defineTool({
  name: 'close_vent',
  description: 'Close a roof vent.',
  input: v.object({ vent: v.string() }),
  run: async ({ data }) => {
    await sleep(60);
    throw new Error(`The ${data.vent} vent is jammed: its motor draws 4.1 A and does not turn.`);
  },
});

export const consultHerbarium = defineTool({
  name: 'consult_herbarium',
  description: 'Look a species up in the herbarium.',
  input: v.object({ species: v.string() }),
  run: async ({ data }) => {
    await sleep(150);
    return { output: { species: data.species, home: 'cloud forest', minimumC: 9 } };
  },
});
