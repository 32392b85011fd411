/**
 * What a submission costs the event loop when its trace is recorded, when it is left out, and when it is left out but its
 * spans wait for an error. Each way has a process of its own; the submissions are copies of a recorded one, with other
 * ids, and frozen, as Flue's events are.
 *
 *     node benchmark/sampling.mjs [submissions]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextLoop } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { copyOf, recordedRun } from '../__test__/lines/cloudflare/recorded.mjs';
import { nextMessage, startServer } from './server-process.mjs';

/** The ways, and the options of each. */
const WAYS = {
  recorded: {},
  'left out': { sampleRate: 0 },
  'left out, with keepErrors': { sampleRate: 0, keepErrors: true },
};

if (process.send) await measure();
else await compare(Number(process.argv[2] ?? 2000));

async function compare(submissions) {
  const server = await startServer('drain');
  const program = fileURLToPath(import.meta.url);
  console.log(`${submissions} submissions, ${recordedRun().length} events each`);
  for (const [way, options] of Object.entries(WAYS)) {
    const child = fork(program, []);
    child.send({ submissions, url: server.url, options });
    const { us, stats } = await nextMessage(child);
    child.disconnect();
    const { accepted, sampled, lost } = stats;
    const counts = `${accepted} rows, ${sampled} spans sampled, lost ${JSON.stringify(lost)}`;
    console.log(`${way.padEnd(26)} ${us.toFixed(1).padStart(8)} µs per submission   ${counts}`);
  }
  await server.stop();
}

/** Measures the calls alone; the events are made before. */
async function measure() {
  const [{ submissions, url, options }] = await once(process, 'message');
  const { braintrustFlueObserver, flush, initLogger, stats } = await import('../index.js');
  initLogger({ apiKey: 'key', appUrl: url, apiUrl: url, ...options });
  const events = recordedRun();
  let ms = 0;
  for (let n = 0; n < submissions; n++) {
    const copy = deepFreeze(copyOf(events, n));
    // The first tenth lets V8 compile the code.
    const counts = n >= submissions / 10;
    const began = performance.now();
    for (const event of copy) braintrustFlueObserver(event);
    if (counts) ms += performance.now() - began;
    if (n % 50 === 0) await flush();
    else await nextLoop();
  }
  await flush();
  process.send({ us: (ms * 1000) / (submissions * 0.9), stats: stats() });
}

function deepFreeze(value) {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
