import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A tool as data, from which every line makes its own.
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} description
 * @property {Record<string, 'string' | 'number'>} input
 * @property {'log' | 'harness'} [needs] what `run` needs besides its input
 * @property {(input: any, given: { log?: any, prompt?: (text: string) => Promise<string>, signal?: AbortSignal }) => Promise<unknown>} run
 */

class JammedError extends Error {
  name = 'JammedError';
  code = 'E_JAMMED';
}

const houses = {
  orchids: { latency: 60, celsius: 17.5, humidity: 81 },
  ferns: { latency: 20, celsius: 14.2, humidity: 88 },
};

/** @type {Tool} */
export const readHouse = {
  name: 'read_house',
  description: 'Read temperature and humidity in one of the houses.',
  input: { house: 'string' },
  run: async ({ house }) => {
    const { latency, ...reading } = houses[house];
    await sleep(latency);
    return { house, ...reading };
  },
};

/** @type {Tool} */
export const closeVent = {
  name: 'close_vent',
  description: 'Close a roof vent.',
  input: { vent: 'string' },
  run: async ({ vent }) => {
    await sleep(10);
    throw new JammedError(`The ${vent} vent is jammed: its motor draws 4.1 A.`);
  },
};

/** @type {Tool} */
export const consultHerbarium = {
  name: 'consult_herbarium',
  description: 'Look a species up in the herbarium.',
  input: { species: 'string' },
  run: async ({ species }) => {
    await sleep(20);
    return { species, home: 'cloud forest', minimumC: 9 };
  },
};

/** Emits `held` each time the tool `hold` runs. */
export const holding = new EventEmitter();

/** Runs until it is aborted. @type {Tool} */
export const hold = {
  name: 'hold',
  description: 'Hold the door until someone says stop.',
  input: { door: 'string' },
  run: (_input, { signal }) =>
    new Promise((_done, failed) => {
      signal.addEventListener('abort', () => failed(signal.reason));
      holding.emit('held');
    }),
};

/** @type {Tool} */
export const survey = {
  name: 'survey',
  description: 'Walk through a house and note what is wrong.',
  input: { house: 'string' },
  needs: 'log',
  run: async ({ house }, { log }) => {
    log.info('survey begun', { house });
    log.warn('leaves are wet', { share: 0.4, rows: [1, 2, { spotted: true }] });
    log.error('a probe is silent', { error: new JammedError('No answer from probe 7.') });
    return { house, surveyed: true };
  },
};

/** @type {Tool} */
export const digest = {
  name: 'digest',
  description: 'Digest the notes on a subject.',
  input: { subject: 'string' },
  needs: 'harness',
  run: async ({ subject }, { prompt }) => ({ digest: await prompt(`Digest: ${subject}.`) }),
};
