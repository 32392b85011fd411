/** Runs commands of the scripts: without their output, unless one fails. */
import { spawn } from 'node:child_process';

const TAIL_LINES = 40;

/**
 * Runs commands, or functions that run some, at once, behind one line of output. When one fails, shows its output and
 * exits with its code.
 */
export async function step(title, ...commands) {
  process.stdout.write(`${title} … `);
  const began = Date.now();
  const endings = await Promise.all(
    commands.map((command) => (typeof command === 'function' ? command() : run(command))),
  );
  const failure = endings.find(({ code }) => code !== 0);
  if (!failure) {
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s`);
    return;
  }
  console.log('failed');
  console.error(failure.output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n'));
  process.exit(failure.code);
}

/** Runs a command; its exit code, and all that it printed to pipes. `started` gets the process. */
export function run({ command, args, stdio = 'pipe', ...settings }, started = () => {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...settings, stdio: ['ignore', stdio, stdio] });
    started(child);
    let output = '';
    const collect = (chunk) => (output += chunk);
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => resolve({ code: 1, output: `${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
