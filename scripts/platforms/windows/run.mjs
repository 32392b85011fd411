/** Programs and tests of Windows, under Wine. */
import { join } from 'node:path';
import { root } from '../shell.mjs';
import { runPrograms } from '../try.mjs';
import { buildWindows, testCrates, windowsNode } from './wine.mjs';
import { runSpec } from './specs.mjs';

/** Whole processes: agents, the ways to end, the spool; then what differs on Windows, as crashes and signals do. */
const SPECS = [
  '__test__/agent.spec.ts',
  '__test__/endings.spec.ts',
  '__test__/spool.spec.ts',
  'scripts/platforms/windows/windows.spec.ts',
];

/**
 * @param {boolean} withTests
 * @returns {Promise<{ node: string, tests?: string }>} the cells of the table
 */
export async function runWindows(withTests) {
  buildWindows();
  const program = windowsNode();
  const node = `${await runPrograms(program)} in Wine`;
  if (!withTests) return { node };
  let passed = 0;
  for (const spec of SPECS) passed += await runSpec(program, join(root, spec));
  return { node, tests: `${passed} and ${testCrates()} in Rust passed` };
}
