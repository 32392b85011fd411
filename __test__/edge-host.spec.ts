import { join } from 'node:path';
import { ROOT, run } from './support/run';

const SCRIPT = join(ROOT, '__test__/lines/cloudflare/edge/on-node.mjs');

/** What a scenario has seen; see there. */
async function seen(name: string) {
  const { code, stdout, stderr } = await run(['--expose-gc', SCRIPT, name]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('a request that is repeated again and again runs at most twice at once', async () => {
  expect(await seen('repeated request')).toBe(2);
});
