'use strict';

// Spans of generators: from the first step to the last.

const { types } = require('../builtins/index.js');
const { follow } = require('../promises.js');
const { read } = require('./arguments.js');
const { finishSafely } = require('./run-traced.js');
const { Span } = require('./span.js');

/** The most values that a span shows. */
const MAX_VALUES = 1000;

/** The steps of a generator. */
const STEPS = /** @type {const} */ (['next', 'return', 'throw']);

/**
 * Whether calls of a function return generators.
 * @param {unknown} fn
 */
function makesGenerators(fn) {
  try {
    const kind = Object.prototype.toString.call(fn);
    return kind === '[object GeneratorFunction]' || kind === '[object AsyncGeneratorFunction]';
  } catch {
    return false;
  }
}

/**
 * Lets a generator run within a span, which begins with the first step and ends with the last. The values that it yields
 * are the output. The same generator is returned: its steps are replaced.
 * @param {any} generator
 * @param {() => import('../../index.d.ts').Span} start
 * @param {{ showsValues: boolean, isCurrent: boolean }} options `isCurrent`: whether the span is the current one in the
 *   generator
 */
function traceGenerator(generator, start, { showsValues, isCurrent }) {
  // A function may have the tag of generator functions, and return something else.
  if (!STEPS.every((name) => typeof read(generator, name) === 'function')) return generator;
  /** @type {import('../../index.d.ts').Span | undefined} */
  let span;
  let hasEnded = false;
  /** @type {unknown[]} */
  const values = [];

  /** @param {{ thrown: unknown }} [error] */
  const end = (error) => {
    if (hasEnded || !(span instanceof Span)) return;
    hasEnded = true;
    finishSafely(span, { ...(showsValues && { output: values }), ...(error && { error }) });
  };
  /** @param {any} step */
  const note = (step) => {
    try {
      if (step.done) end();
      else if (showsValues && values.length < MAX_VALUES) values.push(step.value);
    } catch {
      // What cannot be read is not shown.
    }
  };

  for (const name of STEPS) {
    const original = generator[name];
    const step = (/** @type {unknown[]} */ ...given) => {
      // A generator that returns or throws before its first step has not run.
      if (name === 'next') span ??= start();
      let hasRun = false;
      const run = () => {
        hasRun = true;
        return original.apply(generator, given);
      };
      let result;
      try {
        result = span instanceof Span && isCurrent ? span.run(run) : run();
      } catch (error) {
        if (!hasRun) return run();
        end({ thrown: error });
        throw error;
      }
      if (types.isPromise(result)) {
        return follow(result, note, (thrown) => end({ thrown })) ?? result;
      }
      note(result);
      return result;
    };
    // A frozen generator keeps its steps.
    const descriptor = { __proto__: null, value: step, configurable: true, writable: true };
    Reflect.defineProperty(generator, name, descriptor);
  }
  return generator;
}

module.exports = { makesGenerators, traceGenerator };
