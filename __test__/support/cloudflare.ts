import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Ending, environment, ROOT, run } from './run';

const HERE = join(ROOT, '__test__/lines/cloudflare');

export type Target = 'node' | 'cloudflare';

/** Makes the Flue project in a directory and builds it; see `build.mjs` for the arguments. */
export async function buildProject(directory: string, ...args: string[]): Promise<Ending> {
  const ending = await run([join(HERE, 'build.mjs'), directory, ...args]);
  if (ending.code !== 0) throw new Error(`${ending.stdout}\n${ending.stderr}`);
  return ending;
}

/** Serves a project that was built, while a function uses it; gives what it has written to stderr. */
export async function serving(
  directory: string,
  target: Target,
  env: Record<string, string>,
  use: (url: string) => Promise<void>,
  ...args: string[]
): Promise<string> {
  const program = [join(HERE, 'serve.mjs'), directory, '--target', target, ...args];
  const server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...program], {
    env: environment(env),
    stdio: 'pipe',
  });
  let stderr = '';
  server.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const ended = once(server, 'close');
  try {
    const started = once(createInterface(server.stdout), 'line');
    const [url] = await Promise.race([started, ended.then(() => Promise.reject(Error(stderr)))]);
    await use(url);
  } finally {
    server.stdin.end();
    await ended;
  }
  return stderr;
}

/** Posts JSON and reads the reply to its end. */
export async function post(url: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
}
