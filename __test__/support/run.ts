import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startCollector } from '../../tools/collector';
import type { Collector } from '../../tools/collector/types';
import type { FlueEvent } from './activity';

export const ROOT = resolve(__dirname, '../..');

/** What runs the programs under test: `npm run platforms` has Node of other platforms here, in an emulator. */
export const NODE = process.env.FLUE_BRAINTRUST_TEST_NODE ?? process.execPath;

/** When a child process is taken to hang, in milliseconds: long after a slow machine with busy cores is done. */
export const HANGS_MS = 300_000;

/** How a child process ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Where Node keeps the compiled code of the modules that children load: most load the same ones. */
const NODE_COMPILE_CACHE = join(ROOT, 'node_modules/.cache/compiled');

/** Children inherit nothing of ours but the path: no key, no destination. */
export function environment(env: Record<string, string>) {
  const { PATH, HOME, TMPDIR } = process.env;
  const inherited = { ...(HOME && { HOME }), ...(TMPDIR && { TMPDIR }), ...(PATH && { PATH }) };
  return { ...inherited, NODE_COMPILE_CACHE, ...env };
}

/** Runs a real Node process to its end, or until its time is up. */
export function run(
  args: string[],
  env: Record<string, string> = {},
  timeout = HANGS_MS,
  cwd = ROOT,
): Promise<Ending> {
  const quiet = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'];
  const flags = quiet.map((warning) => `--disable-warning=${warning}`);
  return finished(NODE, [...flags, ...args], env, cwd, timeout);
}

/** Runs any program to its end, or until its time is up. */
export function finished(
  command: string,
  args: string[],
  env: Record<string, string>,
  cwd: string,
  timeout = HANGS_MS,
): Promise<Ending> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
}

/** How long a program waits at its end, by default: what arrives in time does not depend on the machine. */
export const EXIT_TIMEOUT_MS = 60_000;

/** The options of a `flush` or a `close` that waits as long. */
export const PATIENT = { timeoutMs: EXIT_TIMEOUT_MS };

/** The variables that point a program at a collector. */
export function destination(collector: { url: string }) {
  return {
    BRAINTRUST_API_KEY: 'test-key',
    BRAINTRUST_APP_URL: collector.url,
    BRAINTRUST_API_URL: collector.url,
    FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: String(EXIT_TIMEOUT_MS),
  };
}

/** What has Node load Flue as few files; see there. */
export const BUNDLED_FLUE = `--import=${pathToFileURL(join(__dirname, 'bundled-flue.mjs')).href}`;

/** Runs a program of Flue that does not depend on how Flue is found. */
export function runFlue(args: string[], env: Record<string, string>) {
  return run([BUNDLED_FLUE, ...args], env);
}

/** A real Flue 2.1 agent that answers and then ends in the given way. */
export function runAgent(
  ending: 'natural' | 'exit' | 'throw' | 'reject' | 'flush',
  env: Record<string, string>,
) {
  return runFlue(['__test__/fixtures/agent-run.mjs', ending], env);
}

/** Runs a real Flue program against a collector; returns how it ended, Flue's events and what arrived. */
export async function withTrace(
  args: string[],
  env: Record<string, string>,
  check: (ending: Ending, events: FlueEvent[], collector: Collector) => void,
) {
  await withDirectory(async (directory) => {
    const collector = await startCollector();
    const file = join(directory, 'events.ndjson');
    try {
      const ending = await runFlue(args, { ...destination(collector), EXPECT_FILE: file, ...env });
      check(ending, readEvents(file), collector);
    } finally {
      await collector.close();
    }
  });
}

/** A directory that is gone when the function is. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Flue's own events of a run, as the fixtures record them; a line that is half written, or cut off, is none yet. */
export function readEvents(file: string): FlueEvent[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as FlueEvent);
}

/** No loss, in `toMatchObject`: there, `{}` stands for any losses. */
export const NO_LOSS: unknown = {
  $$typeof: Symbol.for('jest.asymmetricMatcher'),
  asymmetricMatch: (lost: object) => Object.keys(lost).length === 0,
  toAsymmetricMatcher: () => 'no loss',
};
