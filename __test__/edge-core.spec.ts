import { join } from 'node:path';
import { ROOT, run } from './support/run';

const SCRIPT = join(ROOT, '__test__/lines/cloudflare/conformance/compare.mjs');

// `npm run test:worker` compares all recordings with all option sets.
describe('the core as a WebAssembly module', () => {
  const SOME = ['multi-turn-tools-thinking', 'task-subagent', 'crash-mid-tool'];

  it.each([
    ['default', []],
    ['redact', SOME],
    ['mask', SOME],
  ])('gives in workerd the rows of Node with the option set %s', async (set, names) => {
    const args = names.map((name) => `2.1.0/${name}`);
    const { stdout } = await run([SCRIPT, '--options', set, ...args]);
    const { recordings, rows, ...counts } = JSON.parse(stdout);
    expect(counts).toEqual({ differing: 0, problems: 0, incomplete: 0 });
    expect(recordings).toBeGreaterThanOrEqual(names.length === 0 ? 100 : names.length);
    expect(rows).toBeGreaterThan(recordings);
  });
});

test('without a bundler, the shared modules have what they use of the host, as in vitest with the plugin of Cloudflare', async () => {
  const { stdout } = await run([join(ROOT, '__test__/lines/cloudflare/edge/unbundled.mjs')]);
  const names = [
    'AsyncLocalStorage',
    'heapLimit',
    'maxTurnMs',
    'monotonicMs',
    'outsideOfWork',
    'randomUUID',
    'timers',
    'types',
  ];
  expect(JSON.parse(stdout)).toEqual(names);
});
