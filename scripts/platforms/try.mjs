/** What is run on a platform: programs with a real Flue agent, and tests of the package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, root, sh, cache } from './shell.mjs';

/** Whole processes: agents and workflows, the ways to end, the spool, signals. */
const SPECS = ['agent', 'endings', 'spool', 'signals', 'crash'];
/** What repeats dozens of times, or limits the memory or the time of a process, has no meaning in an emulator. */
const LEFT_OUT = '^\\d+ |\\b50 runs\\b|delay|limit';

/** @param {string} node @returns {Promise<string>} */
export async function runPrograms(node) {
  const version = output(node, ['-p', 'process.arch + " " + process.versions.node']);
  sh(process.execPath, [join(root, 'scripts/platforms/smoke.mjs'), node]);
  return `Node ${version.split(' ')[1]}`;
}

/** @param {string} node @returns {Promise<string>} how many passed */
export async function runTests(node) {
  const report = join(cache, 'tests.json');
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const specs = SPECS.map((name) => `__test__/${name}.spec.ts`);
  const args = [...specs, '--json', '--outputFile', report, '--maxWorkers', '2'];
  args.push('--testNamePattern', `^(?!.*(${LEFT_OUT}))`);
  sh(process.execPath, [jest, ...args], {
    env: { ...process.env, FLUE_BRAINTRUST_TEST_NODE: node },
  });
  const { numPassedTests: passed } = JSON.parse(readFileSync(report, 'utf8'));
  return `${passed} passed`;
}
