import { join } from 'node:path';
import { ROOT, run } from './support/run';

const SCRIPT = join(ROOT, '__test__/lines/cloudflare/conformance/compare.mjs');

// `npm run test:worker` compares all recordings.
describe('the core as a WebAssembly module', () => {
  const RECORDINGS = ['multi-turn-tools-thinking', 'task-subagent', 'crash-mid-tool'];

  it.each([['default'], ['redact'], ['mask']])(
    'gives in workerd the rows of Node with the option set %s',
    async (set) => {
      const args = RECORDINGS.map((name) => `2.1.0/${name}`);
      const { stdout } = await run([SCRIPT, '--options', set, ...args]);
      const { rows, ...counts } = JSON.parse(stdout);
      expect(counts).toEqual({ recordings: 3, differing: 0, problems: 0, incomplete: 0 });
      expect(rows).toBeGreaterThan(RECORDINGS.length);
    },
  );
});

test('without a bundler, the shared modules have what they use of the host, as in vitest with the plugin of Cloudflare', async () => {
  const { stdout } = await run([join(ROOT, '__test__/lines/cloudflare/edge/unbundled.mjs')]);
  const names = ['AsyncLocalStorage', 'heapLimit', 'outsideOfWork', 'randomUUID', 'types'];
  expect(JSON.parse(stdout)).toEqual(names);
});
