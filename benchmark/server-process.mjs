import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('server.mjs', import.meta.url));

/**
 * The next message of a process. Throws when it ends without one.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
export async function nextMessage(child) {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the process ended with ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), ended]);
    return message;
  } finally {
    settled.abort();
  }
}

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
  const { url } = await nextMessage(child);
  return {
    url,
    /**
     * @param {number} [since] requests before it are not counted, milliseconds since 1970
     * @returns {Promise<{ spans: number, ended: number, requests: number, bytes: number, changedAt: string }>}
     */
    counts: async (since = 0) => {
      child.send({ since });
      return nextMessage(child);
    },
    stop: async () => {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
