import { readFileSync, readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { initialise } from '../contenders.mjs';

/** Of the process's threads, if the system reports it. */
const threads = () => {
  try {
    return readdirSync('/proc/self/task').map((id) =>
      readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
    );
  } catch {
    return undefined;
  }
};

/**
 * A cold process: the import and `initLogger`, and which threads are there before any event.
 *
 * @param {import('../worker.mjs').Job} _job
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run(_job, { module }) {
  // Importing anything at all starts the threads by which Node reads files.
  await import('./nothing.mjs');
  const before = threads();

  const began = performance.now();
  if (module !== undefined) {
    const tracer = await import(module);
    const imported = performance.now();
    initialise(tracer);
    const ended = performance.now();
    await sleep(50);
    const added = before && threads().slice(before.length);
    return { startup: ended - began, import: imported - began, init: ended - imported, added };
  }
  return { startup: performance.now() - began, import: 0, init: 0, added: [] };
}
