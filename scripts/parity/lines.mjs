/**
 * The lines of Flue that are compared, and how each exporter is registered there: with Flue's
 * `instrument()` where the line has it, else with `observe()`, as both exporters' documentation shows.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const official = fileURLToPath(import.meta.resolve('braintrust'));

/** The version of the official package that is compared. */
export const { version } = createRequire(import.meta.url)('braintrust/package.json');

/** The names of the lines, newest first. */
export const lines = ['2.1.0', '2.0.0', '1.0.0-beta.9', '0.11.1', '0.8.1'];

/** @param {string} line @returns {string} the program that plays its scenarios */
export function programOf(line) {
  return fileURLToPath(new URL(`../../__test__/flue/${line}.mjs`, import.meta.url));
}

/**
 * The variables by which a program of this line traces through one of the exporters.
 *
 * @param {string} line
 * @param {'official' | 'ours'} exporter
 */
export function settingsOf(line, exporter) {
  const register = line.startsWith('0.') ? {} : { REGISTER: 'instrument' };
  return exporter === 'official'
    ? { ...register, BRAINTRUST_PACKAGE: 'official', BRAINTRUST_OFFICIAL_PATH: official }
    : { ...register, FLUE_BRAINTRUST_MESSAGES: 'flue' };
}
