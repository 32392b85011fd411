import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('server.mjs', import.meta.url));

/**
 * Starts the other end; see `server.mjs`.
 *
 * @param {string} mode
 * @param {{ delayMs?: number, yields?: boolean }} [options] `yields` lets the measured process go
 *   first when there are fewer cores than work
 */
export async function startServer(mode, { delayMs = 0, yields = false } = {}) {
  const child = fork(program, [mode, String(delayMs)], { execArgv: ['--max-old-space-size=8192'] });
  if (yields) setPriority(child.pid, 10);
  const [{ url }] = await once(child, 'message');
  return {
    url,
    /**
     * @param {number} [since] requests before it are not counted, milliseconds since 1970
     * @returns {Promise<{ spans: number, ended: number, requests: number, bytes: number, changedAt: string }>}
     */
    counts: async (since = 0) => {
      child.send({ since });
      const [counts] = await once(child, 'message');
      return counts;
    },
    stop: async () => {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
