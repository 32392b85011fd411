import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FlushOptions, FlushReport, InitLoggerOptions, Stats } from '../..';
import { startCollector } from '../../tools/collector';
import type { Collector, CollectorOptions } from '../../tools/collector/types';
import type { Actions, Calls, Runs } from './application';
import { EXIT_TIMEOUT_MS, HANGS_MS, NODE, PATIENT, ROOT, type Ending } from './run';

/** A real process that records, flushes and ends on command. */
export class App {
  /** What it has written to stderr so far. */
  stderr = '';
  #stdout = '';
  #child: ChildProcess;
  #ended: Promise<unknown[]>;
  #calls = 0;
  /** Those who wait for answers. */
  #waiting = new Map<number, (answers: unknown[] | Error) => void>();

  /** @param env variables of the process besides its path */
  constructor(env: { [name: string]: string } = {}) {
    const quiet = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'];
    this.#child = fork(join(__dirname, 'application.ts'), {
      cwd: ROOT,
      execPath: NODE,
      env: { ...env, PATH: process.env.PATH ?? '' },
      execArgv: quiet.map((warning) => `--disable-warning=${warning}`),
      // What JSON lacks: `undefined`, `NaN`, `Infinity`.
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      timeout: HANGS_MS,
    });
    this.#ended = once(this.#child, 'close');
    this.#child.on('message', ({ id, answers }: { id: number; answers: unknown[] }) => {
      this.#waiting.get(id)?.(answers);
      this.#waiting.delete(id);
    });
    this.#child.on('exit', () => {
      for (const answer of this.#waiting.values()) answer(new Error(`it ended: ${this.stderr}`));
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text));
  }

  init(options: InitLoggerOptions) {
    return this.#call(['init', options]);
  }

  record(runs: Runs) {
    return this.#call(['record', runs]);
  }

  /** What is delivered in time does not depend on the machine. */
  flush(options: FlushOptions = PATIENT) {
    return this.#call(['flush', options]) as Promise<FlushReport>;
  }

  stats() {
    return this.#call(['stats']) as Promise<Stats>;
  }

  close(options: FlushOptions = PATIENT) {
    return this.#call(['close', options]) as Promise<FlushReport>;
  }

  usage() {
    return this.#call(['usage']) as Promise<ReturnType<Actions['usage']>>;
  }

  /** Several calls in one turn of the application's event loop. */
  atOnce(...calls: Calls): Promise<unknown[]> {
    const id = this.#calls++;
    this.#child.send({ id, calls });
    return new Promise((answer, failed) => {
      this.#waiting.set(id, (answers) => {
        if (answers instanceof Error) failed(answers);
        else answer(answers);
      });
    });
  }

  /** The same, the last of which is its end. */
  async end(...calls: Calls): Promise<Ending & { tookMs: number }> {
    const began = performance.now();
    this.#child.send({ id: this.#calls++, calls });
    const [code, signal] = (await this.#ended) as [number | null, NodeJS.Signals | null];
    const tookMs = performance.now() - began;
    return { code, signal, stdout: this.#stdout, stderr: this.stderr, tookMs };
  }

  /** Waits until it has written this to stderr, which may arrive after an answer. */
  async wrote(text: string) {
    while (!this.stderr.includes(text)) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Waits for a warning with this code; gives all of them so far. */
  async warned(code: string) {
    await this.wrote(start(code));
    return warnings(this.stderr, code);
  }

  /** Nobody reads any more what it writes to stderr. */
  deafen() {
    this.#child.stderr?.destroy();
  }

  /** Ends it now, however it is. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #call(...calls: Calls) {
    return (await this.atOnce(...calls))[0];
  }
}

const start = (code: string) => `[flue-braintrust] FLUE_BRAINTRUST_${code}:`;

/** The lines on stderr that have this code. */
export const warnings = (stderr: string, code: string) =>
  stderr.split('\n').filter((line) => line.startsWith(start(code)));

/** A collector, and an application that delivers to it. Both are gone when the function is. */
export async function withApp(
  options: CollectorOptions & { logger?: InitLoggerOptions; env?: { [name: string]: string } },
  use: (app: App, collector: Collector) => Promise<void>,
) {
  const { logger, env, ...rest } = options;
  const collector = await startCollector(rest);
  const app = new App(env);
  try {
    await app.init({ ...at(collector), ...logger });
    await use(app, collector);
  } finally {
    await app.kill();
    await collector.close();
  }
}

/** The options that point at a collector. */
export function at({ url }: { url: string }) {
  return { appUrl: url, apiUrl: url, exitTimeoutMs: EXIT_TIMEOUT_MS };
}
