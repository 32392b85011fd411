import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { destination, ROOT, run, withDirectory } from './support/run';

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

const TIMES = 30;

const SETUP = `
  const { existsSync, readdirSync, readFileSync } = require('node:fs');
  const { setTimeout: sleep } = require('node:timers/promises');
  const listeners = () => ['exit', 'SIGTERM', 'SIGINT', 'SIGHUP'].map((name) => process.listenerCount(name));
  const threads = () => readdirSync('/proc/self/task').filter((id) => {
    try {
      return readFileSync('/proc/self/task/' + id + '/comm', 'utf8').startsWith('flue-braintrust');
    } catch {
      return false;
    }
  }).length;
  /** Waits until so many threads of ours are left; returns how many are. */
  async function left(count) {
    for (let n = 0; threads() !== count && n < 200; n++) {
      globalThis.gc?.();
      await sleep(50);
    }
    return threads();
  }
`;

const linuxTest = process.platform === 'linux' ? test : test.skip;

linuxTest.each(['{}', '{ projectName: "project " + (n % 3) }'])(
  'a module that is evaluated again and again has one exporter, one set of listeners and one thread: %s',
  async (options) => {
    const program = `
      (async () => {
        for (let n = 0; n < ${TIMES}; n++) {
          for (const file of Object.keys(require.cache)) delete require.cache[file];
          const { initLogger, traced } = require('flue-braintrust');
          initLogger({ handleSignals: true, onError() {}, ...${options} });
          traced(() => {}, { name: 'span ' + n });
        }
        const { flush } = require('flue-braintrust');
        await flush();
        console.log(JSON.stringify([listeners(), await left(1)]));
      })();`;
    const ended = await run(['-e', SETUP + program], destination(collector));
    expect(ended).toMatchObject({ code: 0, stdout: '[[3,1,1,1],1]\n', stderr: '' });
    expect(collector.rows()).toHaveLength(TIMES);
  },
);

/** Evaluates the package in global objects of its own, as test runners do. */
const IN_CONTEXTS = `
  const { dirname, resolve } = require('node:path');
  const vm = require('node:vm');
  function evaluate() {
    const context = vm.createContext({ process, performance, Buffer, setTimeout, clearTimeout, setInterval, clearInterval });
    const cache = new Map();
    const load = (file) => {
      if (/native\\.js$/.test(file)) return require(file);
      if (file.endsWith('.json')) return JSON.parse(readFileSync(file, 'utf8'));
      if (!cache.has(file)) {
        const module = { exports: {} };
        cache.set(file, module);
        const near = (name) => (name.startsWith('.') ? load(require.resolve(resolve(dirname(file), name))) : require(name));
        near.resolve = require.resolve;
        vm.compileFunction(readFileSync(file, 'utf8'), ['module', 'exports', 'require', '__dirname', '__filename'], {
          parsingContext: context,
          filename: file,
        })(module, module.exports, near, dirname(file), file);
      }
      return cache.get(file).exports;
    };
    return load(resolve('index.js'));
  }
`;

// The first context owns the listeners, and they keep it alive.
linuxTest(
  'contexts that share a process share its listeners, and the threads of forgotten ones end',
  async () => {
    const program = `
      (async () => {
        const use = (n) => {
          const { initLogger, setMaskingFunction, traced } = evaluate();
          setMaskingFunction((value) => value);
          initLogger({ handleSignals: true, onError() {} });
          traced(() => {}, { name: 'span ' + n });
        };
        for (let n = 0; n < ${TIMES}; n++) use(n);
        const severalRan = threads() > 1;
        console.log(JSON.stringify([listeners(), severalRan, await left(1)]));
      })();`;
    const args = ['--expose-gc', '-e', SETUP + IN_CONTEXTS + program];
    const ended = await run(args, destination(collector));
    expect(ended).toMatchObject({ code: 0, stdout: `[[3,1,1,1],true,1]\n`, stderr: '' });
    expect(collector.rows()).toHaveLength(TIMES);
  },
);

linuxTest('contexts that are in use deliver at process.exit', async () => {
  const program = `
    globalThis.used = Array.from({ length: ${TIMES} }, (_, n) => {
      const flue = evaluate();
      flue.initLogger();
      flue.traced(() => {}, { name: 'span ' + n });
      return flue;
    });
    process.exit(0);`;
  const ended = await run(['-e', SETUP + IN_CONTEXTS + program], destination(collector));
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(collector.rows()).toHaveLength(TIMES);
});

test('copies of the package in one process share loggers and the current span', () =>
  withDirectory(async (directory) => {
    for (const name of ['index.js', 'js', 'native.js', 'package.json']) {
      cpSync(join(ROOT, name), join(directory, name), { recursive: true });
    }
    const program = `
      const own = require('flue-braintrust');
      const copy = require(${JSON.stringify(directory)});
      own.initLogger();
      own.traced(() => copy.traced(() => {}, { name: 'within' }), { name: 'outer' });`;
    const ended = await run(['-e', program], destination(collector));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const [trace] = collector.traces();
    expect(
      trace?.roots.map(({ name, children }) => [name, children.map((one) => one.name)]),
    ).toEqual([['outer', ['within']]]);
  }));

test('a test runner that resets its modules gets the same functions and adds no listeners', () => {
  const first = require('..');
  first.initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9', exitTimeoutMs: 0 });
  const count = process.listenerCount('exit');
  for (let n = 0; n < 20; n++) {
    jest.resetModules();
    const again = require('..');
    expect(again.traced).toBe(first.traced);
    again.initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9', exitTimeoutMs: 0 });
  }
  expect(process.listenerCount('exit')).toBe(count);
});
