import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Collector, Trace } from '../../js/collector/types';
import { closedPort } from './network';
import { ROOT, destination, environment } from './run';

const PROJECTS = join(ROOT, '__test__/projects');

export type Line = '1.0-beta' | '2.x';
export type SourceRoot = '.flue' | 'src' | '.';

/** How a Flue project is built, and what is said to its agent. */
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
    const modules = join(directory, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(from, 'node_modules'))) {
      symlinkSync(join(from, 'node_modules', name), join(modules, name));
    }
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
    return this.#run(LINES[this.line].build);
  }

  /** Asks the agent of the built server, and gives the trace of what it did. */
  async trace(collector: Collector): Promise<Trace> {
    const port = String(await closedPort());
    const server = spawn(process.execPath, ['dist/server.mjs'], {
      cwd: this.directory,
      env: environment({ ...destination(collector), PORT: port }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (said += text));
    }
    try {
      await until(async () => {
        if (server.exitCode !== null) throw new Error(`the server ended: ${said}`);
        const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
        return answer !== undefined;
      });
      const answer = await fetch(`http://127.0.0.1:${port}/agents/gardener/house-1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(LINES[this.line].message),
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}: ${said}`);
      await until(() => collector.traces()[0]?.finished === true);
      return collector.traces()[0] as Trace;
    } finally {
      server.kill('SIGKILL');
    }
  }

  /** Runs one of its tools to its end; what it printed, if it failed. */
  #run(args: readonly string[]): Promise<string> {
    return new Promise((done, failed) => {
      const child = spawn(process.execPath, args, {
        cwd: this.directory,
        env: environment({ NO_COLOR: '1' }),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => (said += text));
      }
      child.on('error', failed);
      child.on('close', (code) => done(code === 0 ? '' : `exit code ${code}\n${said}`));
    });
  }
}

async function until(happened: () => boolean | Promise<boolean>) {
  for (let deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if (await happened()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it has not happened in 30 seconds');
}
