import { trace } from './tracing.mjs';

/**
 * A program that plays scenarios on real Flue, offline:
 *
 *     node __test__/flue/<line>.mjs <scenario>|--list
 *
 * It ends by itself, with 0 when the scenario went as it should, after all is delivered.
 *
 * BRAINTRUST_API_KEY        traces only if it is set
 * EXPECT_FILE               records every Flue event there
 * REGISTER=instrument       registers with Flue's `instrument()` instead of `observe()`
 * REGISTER=again            the same, several times
 * OWN_SPANS                 opens spans of the application's own, and writes there what was seen
 * BRAINTRUST_PACKAGE=official, BRAINTRUST_OFFICIAL_PATH
 *                           traces with the `braintrust` package, found at this path
 *
 * @param {object} line
 * @param {Function} line.observe
 * @param {Function} [line.instrument]
 * @param {Record<string, import('./scenarios.mjs').Scenario>} line.scenarios
 * @param {(scenario: import('./scenarios.mjs').Scenario) => Promise<void>} line.play
 */
export async function runProgram({ observe, instrument, scenarios, play }) {
  const names = Object.keys(scenarios);
  const [name] = process.argv.slice(2);
  if (name === '--list') {
    console.log(names.join('\n'));
    return;
  }
  if (!Object.hasOwn(scenarios, name)) throw new Error(`usage: ${names.join('|')}`);

  const { flush } = await trace({ observe, instrument });
  await play(scenarios[name]);
  await flush();
}

/**
 * Awaits work that must fail if and only if the scenario says so.
 *
 * @param {Promise<unknown>} work
 * @param {boolean} [fails]
 */
export async function settle(work, fails = false) {
  try {
    await work;
  } catch (error) {
    if (fails) return;
    throw error;
  }
  if (fails) throw new Error('What the scenario expects to fail did not fail.');
}
