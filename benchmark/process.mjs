import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('worker.mjs', import.meta.url));

/** Nothing here takes so long. */
const TIMEOUT_MS = 15 * 60_000;

/** Variables that would change what is measured. */
const CLEARED = /^(BRAINTRUST_|FLUE_BRAINTRUST_|NODE_OPTIONS$)/;

/**
 * Runs one measured process; see `worker.mjs`.
 *
 * @param {import('./worker.mjs').Job} job
 * @param {Record<string, string>} [env] more of it
 * @returns {Promise<any>} what it measured
 */
export async function runWorker(job, env = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !CLEARED.test(name));
  const args = ['--expose-gc', '--no-warnings', program, JSON.stringify(job)];
  const child = spawn(process.execPath, args, {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk));
  await once(child, 'close');
  try {
    // Exporters may print, too: the result is the last line.
    return JSON.parse(output.slice(output.lastIndexOf('\n') + 1));
  } catch {
    throw new Error(`No result from ${JSON.stringify(job)}:\n${output}\n${errors}`.trimEnd());
  }
}
