/** Who is compared, and how each is set up as its own documentation shows. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WITH_RULES } from './experiments.mjs';

/**
 * @typedef {object} Tracer
 * @property {(event: any, context?: unknown) => unknown} observe
 * @property {(operation: object, context: object, next: () => Promise<unknown>) => Promise<unknown>} [interceptor]
 *   what the exporter registers with Flue's `instrument()`, if it can be registered so
 * @property {(options?: { timeoutMs: number }) => Promise<unknown>} flush
 * @property {(mask: (value: any) => unknown) => void} [setMaskingFunction]
 * @property {() => object} [stats] the exporter's own numbers
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {boolean} exports whether it sends anything
 * @property {Record<string, string>} [env]
 * @property {string} [module] what is imported
 * @property {boolean} [apart] whether only experiments that name it have it
 * @property {(options?: object) => Promise<Tracer>} load with more options for `initLogger`
 */

/** The kinds of events that become spans or parts of spans, in all lines of Flue. */
const TRANSLATED = new Set([
  'run_start',
  'run_resume',
  'run_end',
  'submission_queued',
  'submission_running',
  'submission_recovery',
  'submission_settled',
  'operation_start',
  'operation',
  'turn_request',
  'turn',
  'tool_start',
  'tool',
  'tool_call',
  'task_start',
  'task',
  'compaction_start',
  'compaction',
  'log',
]);

/** Of each kind some. What they look for is not in the conversations, or seldom: it is looked for all the same. */
const TEN_RULES = {
  keys: ['password', 'authorization'],
  paths: ['metadata.**.email', 'input.customer.name'],
  patterns: [/\bACME-\d{6}\b/, /\b(?:internal|confidential)-[a-z]+\b/i],
  builtins: ['api-keys', 'emails', 'jwts', 'credit-cards'],
};

/** The directory of the package that is measured: this checkout, or another one. */
const here = process.env.BENCH_PACKAGE ?? fileURLToPath(new URL('..', import.meta.url));
const moduleIn = (directory) => pathToFileURL(join(directory, 'index.js')).href;
const ours = moduleIn(here);
/** Another checkout, to compare with: only what is needed for that is measured. */
const beside = process.env.BENCH_BESIDE;

const ignore = async () => {};

/** @type {Contender[]} */
const all = [
  {
    name: 'nothing',
    exports: false,
    load: async () => ({ observe: () => {}, interceptor: (_o, _c, next) => next(), flush: ignore }),
  },
  {
    name: 'stringify',
    exports: false,
    load: async () => {
      let bytes = 0;
      const observe = (event) => {
        if (TRANSLATED.has(event.type)) bytes += JSON.stringify(event).length;
      };
      return { observe, flush: ignore, stats: () => ({ bytes }) };
    },
  },
  {
    name: 'braintrust 3.17',
    exports: true,
    module: 'braintrust-3.17',
    load: async (options) => {
      const { braintrustFlueObserver, flush } = await initialised('braintrust-3.17', options);
      const observe = (event, context) => {
        const compatible = compatibleEvent(event);
        if (compatible) braintrustFlueObserver(compatible, context);
      };
      return { observe, flush };
    },
  },
  {
    name: 'braintrust 3.35',
    exports: true,
    module: 'braintrust',
    load: async (options) => {
      const { braintrustFlueInstrumentation, flush } = await initialised('braintrust', options);
      const { observe, interceptor } = braintrustFlueInstrumentation();
      return { observe, interceptor, flush };
    },
  },
  { name: 'ours', exports: true, module: ours, load: loadOurs },
  {
    name: 'ours full',
    exports: true,
    module: ours,
    env: { FLUE_BRAINTRUST_TURN_INPUT: 'full' },
    load: loadOurs,
  },
  {
    name: 'ours delta',
    exports: true,
    module: ours,
    env: { FLUE_BRAINTRUST_TURN_INPUT: 'delta' },
    load: loadOurs,
  },
  {
    name: `ours${WITH_RULES}`,
    exports: true,
    module: ours,
    apart: true,
    load: (options) => loadOurs({ ...options, redact: TEN_RULES }),
  },
];

/** @type {Contender[]} */
export const contenders = beside === undefined ? all : comparedWith(moduleIn(beside));

/**
 * This package beside another build of it.
 *
 * @param {string} module
 * @returns {Contender[]}
 */
function comparedWith(module) {
  const compared = all.filter(
    ({ name, apart }) => ['nothing', 'stringify', 'ours'].includes(name) || apart,
  );
  const before = { exports: true, module };
  return [
    ...compared,
    { name: 'before', ...before, load: (options) => loadOurs(options, module) },
    {
      name: `before${WITH_RULES}`,
      ...before,
      apart: true,
      load: (options) => loadOurs({ ...options, redact: TEN_RULES }, module),
    },
  ];
}

/** @param {string} name */
export function contenderOf(name) {
  const contender = contenders.find((contender) => contender.name === name);
  if (!contender) throw new Error(`There is no contender ${name}.`);
  return contender;
}

/** @param {object} [options] @param {string} [module] */
async function loadOurs(options, module = ours) {
  const { braintrustFlueInstrumentation, flush, setMaskingFunction, stats } = await initialised(
    module,
    options,
  );
  const { observe, interceptor } = braintrustFlueInstrumentation();
  const patient = { timeoutMs: 300_000 };
  const flushPatiently = (options = patient) => flush(options);
  return { observe, interceptor, flush: flushPatiently, setMaskingFunction, stats };
}

/** @param {string} module @param {object} [options] */
async function initialised(module, options) {
  const tracer = await import(module);
  initialise(tracer, options);
  return tracer;
}

/** As in Flue's guide. The environment names the destination. @param {any} tracer @param {object} [options] */
export function initialise(tracer, options) {
  const apiKey = process.env.BRAINTRUST_API_KEY;
  tracer.initLogger({ projectName: 'Benchmark', apiKey, ...options });
}

/** The kinds that Flue's Braintrust guide passes on to exporters that know the events of Flue before 1.0. */
const COMPATIBLE_KINDS = new Set([
  'operation_start',
  'operation',
  'turn_request',
  'turn',
  'tool_start',
  'task_start',
  'task',
  'compaction_start',
  'compaction',
]);

/**
 * The translation of that guide; see `examples/agent/braintrust-compatible.ts`.
 *
 * @param {any} event
 */
function compatibleEvent(event) {
  if (event.type === 'tool') return { ...event, type: 'tool_call' };
  return COMPATIBLE_KINDS.has(event.type) ? event : undefined;
}

/** The names of the contenders in the tables: all but those that stand apart. */
export const names = contenders.filter(({ apart }) => !apart).map(({ name }) => name);
