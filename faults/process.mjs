import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Part of every run, so that it can be looked for. Nobody's real key. */
export const KEY = 'sk-faults-5bd1a0f6e7c94d2f';

const POLL_MS = 50;

/** Variables that a process is given: no key, no destination. The last one names what is tested. */
const INHERITED = ['NODE_COMPILE_CACHE', 'PATH', 'HOME', 'TMPDIR', 'BENCH_PACKAGE'];

/**
 * @typedef {object} Ended
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 * @property {boolean} cut whether it had to be killed, because it took too long
 * @property {number} endedAt milliseconds since 1970
 * @property {number | undefined} endingAt when it began to end
 * @property {number | undefined} peakRss bytes, where the system reports it
 */

/**
 * Runs one process to its end.
 *
 * @param {object} plan what it is to do; see the program
 * @param {object} options
 * @param {string} [options.program] a file beside this one
 * @param {Record<string, string>} [options.env]
 * @param {string[]} [options.flags] of Node, besides those that we have
 * @param {number} options.limitMs when it is killed
 * @param {(pid: number) => void} [options.onStart]
 * @param {() => void} [options.onWorking] called when it has begun to work
 * @returns {Promise<Ended>}
 */
export async function runProgram(plan, options) {
  const { program = 'program.mjs', env = {}, flags = [], limitMs, onStart, onWorking } = options;
  const inherited = INHERITED.filter((name) => process.env[name] !== undefined);
  const own = [...process.execArgv, '--no-warnings', ...flags];
  const args = [...own, join(here, program), JSON.stringify(plan)];
  const child = spawn(process.execPath, args, {
    env: { ...Object.fromEntries(inherited.map((name) => [name, process.env[name]])), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onStart?.(child.pid);
  let [stdout, stderr, cut, isWorking] = ['', '', false, false];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    if (isWorking || !/^working /m.test(stdout)) return;
    isWorking = true;
    onWorking?.();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  let peakRss;
  const poll = setInterval(() => (peakRss = peakOf(child.pid) ?? peakRss), POLL_MS);
  const limit = setTimeout(() => {
    cut = true;
    child.kill('SIGKILL');
  }, limitMs);
  const closed = once(child, 'close');
  const [code, signal] = await once(child, 'exit');
  const endedAt = Date.now();
  clearInterval(poll);
  clearTimeout(limit);
  // Children of its own may hold its pipes open.
  await Promise.race([closed, sleep(1000, undefined, { ref: false })]);
  const endingAt = Number(/^ending (\d+)$/m.exec(stdout)?.[1]) || undefined;
  return { code, signal, stdout, stderr, cut, endedAt, endingAt, peakRss };
}

/** @param {number | undefined} pid @returns {number | undefined} bytes */
function peakOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024 || undefined;
  } catch {
    return undefined;
  }
}
