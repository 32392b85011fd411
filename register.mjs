/**
 * Starts the tracing on import, configured by the environment and `.env.braintrust`:
 *
 *     node --import flue-braintrust/register server.mjs
 *
 * Registers with the copy of `@flue/runtime` that the program itself uses. Without a key it does nothing. Never
 * throws, unless `FLUE_BRAINTRUST_STRICT=1`.
 */
// Node before 22.15 and from 23.0 to 23.4, and other runtimes, have no `registerHooks`: an import by name would end the
// application.
import * as module from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { braintrustFlueInstrumentation, initLogger } from './index.mjs';
import { hasKey } from './js/environment.js';
import { isStrict } from './js/variables.js';
import { messageOf } from './js/json/describe.js';
import { warn } from './js/warn.js';

try {
  if (hasKey()) await register();
} catch (error) {
  if (isStrict()) throw error;
  warn('UNREGISTERED', `${messageOf(error)}; the application runs on without tracing.`);
}

async function register() {
  if (typeof module.registerHooks !== 'function') {
    const why = `Node ${process.versions.node} has no registerHooks`;
    throw new Error(`${why}; use 22.19 or newer, or 23.5`);
  }
  const { instrument, observe } = await flue();
  initLogger();
  // A key of its own: an application that registers as well gets no error. Duplicate events are ignored.
  const key = Symbol.for('flue-braintrust/register');
  const instrumentation = { ...braintrustFlueInstrumentation(), key };
  if (instrument) instrument(instrumentation);
  else observe(instrumentation.observe);
}

/** What the application's own Flue exports: `instrument`, or `observe` on 0.x. */
async function flue() {
  const runtime = await importAsProgram('@flue/runtime');
  // 0.8 has it elsewhere.
  return runtime.instrument || runtime.observe ? runtime : importAsProgram('@flue/runtime/app');
}

/**
 * Imports a module as the program would, else as a file in the working directory.
 * @param {string} specifier
 */
async function importAsProgram(specifier) {
  const [, program] = process.argv;
  const parents = [...(program ? [resolve(program)] : []), resolve('program.mjs')];
  let failure;
  for (const parent of parents) {
    try {
      return await importFrom(specifier, pathToFileURL(parent).href);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/**
 * @param {string} specifier
 * @param {string} parentURL
 * @returns {Promise<any>}
 */
async function importFrom(specifier, parentURL) {
  const ours = `flue-braintrust:${specifier}?${parentURL}`;
  const hooks = module.registerHooks({
    resolve: (asked, context, next) =>
      asked === ours ? next(specifier, { ...context, parentURL }) : next(asked, context),
  });
  try {
    return await import(ours);
  } finally {
    hooks.deregister();
  }
}
