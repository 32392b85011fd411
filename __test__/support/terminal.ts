import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { environment } from './run';

/** A shell that keeps its variables and its directory from one command to the next. */
export class Terminal {
  /** All that was printed in it. */
  output = '';
  #shell: ChildProcess;
  #commands = 0;

  constructor(cwd: string, env: Record<string, string>) {
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      cwd,
      env: environment(env),
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: what runs in it ends with it.
      detached: true,
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
  }

  /** Runs commands to their end; returns what they print, and fails if one fails. */
  async run(commands: string): Promise<string> {
    const from = this.output.length;
    const mark = `<<command ${(this.#commands += 1)}`;
    // The shell itself must live on.
    this.#type(`set -e\n${commands}\nset +e\nprintf '%s\\n' '${mark}'\n`);
    await this.#until(() => this.output.includes(mark, from) || this.#hasEnded());
    const printed = this.output.slice(from);
    if (!printed.includes(mark)) throw new Error(`${commands}\nfailed: ${printed}`);
    return printed.replace(mark, '');
  }

  /** Starts commands whose last one goes on, and waits until something is printed. */
  async start(commands: string, ready: RegExp) {
    const from = this.output.length;
    this.#type(`${commands}\n`);
    await this.printed(ready, from);
  }

  /** Waits until something is printed. */
  async printed(pattern: RegExp, from = 0) {
    await this.#until(() => pattern.test(this.output.slice(from)) || this.#hasEnded());
    if (pattern.test(this.output.slice(from))) return;
    throw new Error(`${pattern} is not printed, but: ${this.output.slice(from)}`);
  }

  /** Ends it with what runs in it. */
  async close() {
    if (this.#hasEnded() || this.#shell.pid === undefined) return;
    const ended = once(this.#shell, 'close');
    process.kill(-this.#shell.pid, 'SIGTERM');
    // An interactive program ignores the signal, and the shell waits for it.
    this.#shell.stdin?.end();
    await ended;
  }

  #type(text: string) {
    this.#shell.stdin?.write(text);
  }

  #hasEnded() {
    return this.#shell.exitCode !== null || this.#shell.signalCode !== null;
  }

  async #until(happened: () => boolean) {
    for (let deadline = Date.now() + 90_000; !happened() && Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    if (!happened()) throw new Error(`nothing comes after: ${this.output.slice(-2000)}`);
  }
}
