/** Runs the application in a worker thread, in a cluster's worker, or in a forked process. */
import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const program = fileURLToPath(new URL('program.mjs', import.meta.url));

/**
 * Resolves when it has ended.
 *
 * @param {'worker' | 'cluster' | 'fork'} place
 * @param {object} plan what it is to do there
 * @param {NodeJS.Signals | 'exit'} [killBy] what ends it when it asks for its end: a signal, or for a
 *   thread the end of the whole process, which is otherwise terminated
 */
export async function host(place, plan, killBy = 'SIGTERM') {
  const text = JSON.stringify(plan);
  if (place === 'worker') {
    const worker = new Worker(program, { argv: [text] });
    worker.once('message', () => {
      if (killBy === 'exit') process.exit(0);
      else void worker.terminate();
    });
    await once(worker, 'exit');
  } else if (place === 'cluster') {
    cluster.setupPrimary({ exec: program, args: [text] });
    const worker = cluster.fork();
    worker.once('message', () => worker.process.kill(killBy));
    await once(worker, 'exit');
  } else {
    const child = fork(program, [text]);
    child.once('message', () => child.kill(killBy));
    await once(child, 'exit');
  }
}
