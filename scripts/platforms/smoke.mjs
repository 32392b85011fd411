/**
 * A real Flue agent on the Node of a platform: its trace must arrive whole at a collector of this machine.
 *
 *     node scripts/platforms/smoke.mjs <node>
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { root } from './shell.mjs';

const { startCollector } = createRequire(import.meta.url)('../../tools/collector/index.js');

const [node = process.execPath] = process.argv.slice(2);
const collector = await startCollector();
const { PATH, HOME } = process.env;
const env = {
  PATH,
  HOME,
  BRAINTRUST_API_KEY: 'local',
  BRAINTRUST_APP_URL: collector.url,
  BRAINTRUST_API_URL: collector.url,
};
for (const ending of ['natural', 'exit']) {
  const child = spawn(node, ['__test__/fixtures/agent-run.mjs', ending], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, ending);
}
const traces = collector.traces();
assert.deepEqual(
  traces.map(({ spans }) => spans.map(({ name }) => name)),
  Array.from({ length: 2 }, () => [
    'flue.prompt',
    'llm:moss-1',
    'tool:read_thermometer',
    'llm:moss-1',
  ]),
);
assert.deepEqual(collector.problems, []);
await collector.close();
console.log('two agents traced');
