/**
 * Shows what a trace looks like: runs a real Flue agent and a real Flue workflow, and prints the trace
 * that each sends. With BRAINTRUST_API_KEY set they go to Braintrust, otherwise to a collector in
 * this process, which then shows them in a browser until Ctrl-C. Does not serve with --no-serve or if
 * CI is set. Exits with 1 if anything is missing or wrong.
 *
 *     npm run demo [-- --no-serve]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import collectors from '../tools/collector/index.js';
import { renderTrace } from '../tools/collector/render.js';
import { hasColours } from '../tools/support/terminal.js';
import { demoFaults } from './demo-faults.mjs';
import { demoOptions } from './demo-options.mjs';
import { programs } from './demo-programs.mjs';
import { projectLink } from './project-link.mjs';

const ARRIVAL_MS = 5_000;
const PROGRAM_MS = 60_000;
const QUIET = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'].map(
  (warning) => `--disable-warning=${warning}`,
);
const SETUP = fileURLToPath(new URL('setup.mjs', import.meta.url));
const SHOWN_FAULTS = 20;
/** What is printed, if anything is, has an empty line before it. */
const PARAGRAPH = ['ignore', 'pipe', 'inherit'];

const options = demoOptions(process.argv.slice(2));
const hasKey = Boolean(process.env.BRAINTRUST_API_KEY?.trim());
await (hasKey ? toBraintrust() : toCollector());

function report(faults) {
  for (const fault of faults.slice(0, SHOWN_FAULTS)) console.error(`✗ ${fault}`);
  if (faults.length > SHOWN_FAULTS) console.error(`✗ … and ${faults.length - SHOWN_FAULTS} more`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

/** Sends to Braintrust and prints where to look. */
async function toBraintrust() {
  const faults = await runPrograms(process.env);
  try {
    console.log(`\nThe traces are at ${await projectLink(process.env)}`);
  } catch (error) {
    faults.push(`There is no link to the project: ${error.message}.`);
  }
  report(faults);
}

/** Sends to a collector of our own, prints what it received, and serves it. */
async function toCollector() {
  const collector = await collectors.startCollector({ port: 0 });
  const color = hasColours(process.stdout);
  try {
    const env = {
      ...process.env,
      BRAINTRUST_API_KEY: 'demo',
      BRAINTRUST_APP_URL: collector.url,
      BRAINTRUST_API_URL: collector.url,
      BRAINTRUST_ORG_NAME: 'local',
    };
    let shown = 0;
    const faults = await runPrograms(env, async () => {
      await arrival(collector, shown + 1);
      for (const trace of collector.traces().slice(shown)) {
        process.stdout.write(`\n${renderTrace(trace, { color })}`);
        shown += 1;
      }
    });
    report([...faults, ...demoFaults(collector, programs)]);
    if (options['no-serve'] || process.env.CI) return;
    console.log(`\nSee them at ${collector.url} until Ctrl-C.`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    await collector.close();
  }
}

/** Gives the rows of so many traces a little time; what is missing after that is reported as a fault. */
async function arrival(collector, count) {
  const isComplete = () => collector.traces().filter((trace) => trace.finished).length >= count;
  await collector.waitFor(isComplete, ARRIVAL_MS).catch(() => {});
}

/** Runs the programs one after the other, and `ended` after each; returns what went wrong. */
async function runPrograms(env, ended = async () => {}) {
  const faults = [];
  for (const { title, file, setup } of programs) {
    if (setup && (await run([SETUP, '--no-build'], { stdio: PARAGRAPH })) !== 0) process.exit(1);
    console.log(`\n── ${title} says ──\n`);
    const args = [...QUIET, fileURLToPath(file)];
    const ending = await run(args, { env, timeout: PROGRAM_MS });
    if (ending !== 0) faults.push(`${title} ended with ${ending}.`);
    await ended();
  }
  return faults;
}

/** Runs Node with these arguments; resolves with the exit code, or with the name of the signal that ended it. */
function run(args, settings = {}) {
  const stdio = ['ignore', 'inherit', 'inherit'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio, ...settings });
    child.stdout?.once('data', () => console.log()).pipe(process.stdout, { end: false });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}
