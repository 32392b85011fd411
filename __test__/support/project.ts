import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Collector, Trace } from '../../tools/collector/types';
import { linkPackages } from '../lines/link';
import { closedPort } from './network';
import { npm } from './npm';
import { type Ending, ROOT, destination, environment, finished } from './run';

const PROJECTS = join(ROOT, '__test__/lines/projects');

export type Line = '1.0-beta' | '2.x';
export type SourceRoot = '.flue' | 'src' | '.';

/** How a Flue project is built, and the prompt of its agent. */
const LINES = {
  '1.0-beta': {
    config: 'flue.config.ts',
    build: ['node_modules/@flue/cli/bin/flue.mjs', 'build'],
    message: { message: 'How are the orchids?' },
  },
  '2.x': {
    config: 'vite.config.ts',
    build: ['node_modules/vite/bin/vite.js', 'build'],
    message: { kind: 'user', body: 'How are the orchids?' },
  },
} as const;

/** A Flue project as its user has it, with the packages of its line. */
export class Project {
  constructor(
    readonly directory: string,
    readonly line: Line,
    readonly sourceRoot: SourceRoot,
  ) {
    const from = join(PROJECTS, line);
    const { config } = LINES[line];
    cpSync(join(from, 'source'), this.path(), { recursive: true });
    cpSync(join(from, config), join(directory, config));
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(from, 'package.json'), 'utf8'),
    );
    this.write('package.json', { type: 'module', dependencies, devDependencies });
    this.write('tsconfig.json', {
      compilerOptions: {
        noEmit: true,
        strict: true,
        target: 'es2023',
        lib: ['es2023'],
        module: 'nodenext',
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        types: ['node'],
      },
      include: sourceRoot === '.' ? ['*.ts', 'agents'] : [`${sourceRoot}/**/*.ts`],
    });
  }

  /** Has the packages of its line at no cost: they lie elsewhere. */
  withPackages() {
    linkPackages(join('projects', this.line), this.directory);
    return this;
  }

  /** Has them as a user does, from the registry. */
  async withInstalledPackages() {
    const lock = 'package-lock.json';
    cpSync(join(PROJECTS, this.line, lock), join(this.directory, lock));
    await this.npm(['ci', '--prefer-offline', '--ignore-scripts']);
    return this;
  }

  /** Runs npm here; gives what it prints. */
  npm(args: string[], env: Record<string, string> = {}) {
    return npm(args, this.directory, env);
  }

  /** Of a file in the source root. */
  path(name = '') {
    return join(this.directory, this.sourceRoot, name);
  }

  write(name: string, content: string | object) {
    const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2);
    writeFileSync(join(this.directory, name), text);
  }

  /** Its own app.ts. */
  withApp() {
    cpSync(join(PROJECTS, this.line, 'app.ts'), this.path('app.ts'));
    return this;
  }

  /** The files that are its own, with their contents. */
  files(): Record<string, string> {
    const names = readdirSync(this.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(this.directory.length + 1))
      .filter((name) => !/^(node_modules|dist)\//.test(name));
    const sorted = names.toSorted().map((name) => [name, join(this.directory, name)] as const);
    return Object.fromEntries(sorted.map(([name, file]) => [name, readFileSync(file, 'utf8')]));
  }

  /** What `npm install` of these makes of it: they stand in package.json, and in node_modules. */
  install(...names: string[]) {
    const manifest = JSON.parse(readFileSync(join(this.directory, 'package.json'), 'utf8'));
    const places: Record<string, string> = {
      'flue-braintrust': ROOT,
      braintrust: join(ROOT, 'node_modules/braintrust'),
    };
    for (const name of names) {
      manifest.dependencies[name] = '*';
      const place = join(this.directory, 'node_modules', name);
      const target = places[name];
      if (target !== undefined && !existsSync(place)) symlinkSync(target, place);
    }
    this.write('package.json', manifest);
  }

  typeCheck() {
    return this.#run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.']);
  }

  build() {
    return this.#run([...LINES[this.line].build]);
  }

  /** Asks the agent of the built server, and gives the trace of what it did. */
  async trace(collector: Collector): Promise<Trace> {
    const server = await this.serve(destination(collector));
    try {
      await server.ask('house-1');
      await until(() => collector.traces()[0]?.finished === true);
      return collector.traces()[0] as Trace;
    } finally {
      await server.end('SIGKILL');
    }
  }

  /** Starts the built server; it is there when it answers. */
  async serve(env: Record<string, string>, node = process.execPath) {
    const port = await closedPort();
    return this.#started(node, ['dist/server.mjs'], { ...env, PORT: String(port) }, port);
  }

  /** Starts Vite's dev server, which evaluates the sources as they are. */
  async dev(env: Record<string, string>) {
    const port = await closedPort();
    const at = ['--host', '127.0.0.1', '--port', String(port), '--strictPort'];
    return this.#started(process.execPath, ['node_modules/vite/bin/vite.js', ...at], env, port);
  }

  /** Starts a server of the project; it is there when it answers on its port. */
  async #started(node: string, args: string[], env: Record<string, string>, port: number) {
    const child = spawn(node, args, {
      cwd: this.directory,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const url = `http://127.0.0.1:${port}`;
    try {
      await until(async () => {
        if (hasEnded(child)) throw new Error(`the server ended: ${stdout}${stderr}`);
        return (await fetch(url).catch(() => undefined)) !== undefined;
      });
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    return {
      /** Sends a message to its agent, who has taken it then. */
      ask: async (id: string) => {
        const send = () =>
          fetch(`${url}/agents/gardener/${id}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(LINES[this.line].message),
          });
        let answer = await send();
        // A dev server may still load the application.
        await until(async () => answer.status !== 503 || (answer = await send()).status !== 503);
        if (answer.ok) return;
        throw new Error(`${answer.status} ${await answer.text()}: ${stdout}${stderr}`);
      },
      /** Ends it, and returns how it ended. */
      end: async (by: NodeJS.Signals): Promise<Ending> => {
        child.kill(by);
        const [code, signal] = await ended;
        return { code, signal, stdout, stderr };
      },
    };
  }

  /** Runs one of its tools to its end; what it printed, if it failed. */
  async #run(args: string[]): Promise<string> {
    const env = { NO_COLOR: '1' };
    const { code, stdout, stderr } = await finished(process.execPath, args, env, this.directory);
    return code === 0 ? '' : `exit code ${code}\n${stdout}${stderr}`;
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode !== null || signalCode !== null;

/** Waits for what takes a while, such as a server. */
export async function until(happened: () => boolean | Promise<boolean>) {
  for (let deadline = Date.now() + 120_000; Date.now() < deadline;) {
    if (await happened()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it has not happened in two minutes');
}

/**
 * Makes a directory a workspace: its package `agent` depends on Flue, `web` does not.
 * @param files of each package, by their names
 */
export function makeWorkspace(directory: string, files: Record<string, string>) {
  writeFileSync(join(directory, 'package.json'), '{"workspaces":["packages/*"]}');
  for (const [name, dependency] of Object.entries({ agent: '@flue/runtime', web: 'react' })) {
    const folder = join(directory, 'packages', name);
    mkdirSync(folder, { recursive: true });
    const manifest = `{"dependencies":{"${dependency}":"*"}}`;
    for (const [file, text] of Object.entries({ 'package.json': manifest, ...files })) {
      writeFileSync(join(folder, file), text);
    }
  }
}
