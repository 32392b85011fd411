import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canRedraw, columnsOf, hasColours } from '../tools/support/terminal';
import { CLI } from './support/cli';
import { environment, withDirectory } from './support/run';

describe('colours', () => {
  const before = { ...process.env };

  afterEach(() => {
    process.env = { ...before };
  });

  const stream = (isTTY: boolean, columns = 80) => ({ isTTY, columns }) as NodeJS.WriteStream;

  test.each([
    [{}, true, false],
    [{ TERM: 'xterm' }, true, false],
    [{ NO_COLOR: '1' }, false, false],
    [{ NO_COLOR: '' }, true, false],
    [{ TERM: 'dumb' }, false, false],
    [{ FORCE_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: 'true', NO_COLOR: '1', TERM: 'dumb' }, true, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ FORCE_COLOR: 'false' }, false, false],
    [{ FORCE_COLOR: '' }, true, false],
  ])('with %j, a terminal has colours: %s, and a file: %s', (env, terminal, file) => {
    const { NO_COLOR: _no, FORCE_COLOR: _force, TERM: _term, ...rest } = before;
    process.env = { ...rest, ...env } as NodeJS.ProcessEnv;
    expect([hasColours(stream(true)), hasColours(stream(false))]).toEqual([terminal, file]);
    expect(canRedraw(stream(false))).toBe(false);
  });

  test('a terminal that does not know its width, and what is none, have none', () => {
    expect([columnsOf(stream(true, 0)), columnsOf(stream(false)), columnsOf(stream(true))]).toEqual(
      [undefined, undefined, 80],
    );
  });
});

test('no command prints a stack trace, or changes its exit code, when its reader has gone', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'events');
    writeFileSync(file, 'no event\n');
    const ending = async (args: string[], env: Record<string, string> = {}) => {
      const child = spawn(process.execPath, [CLI, ...args], { cwd: '/', env: environment(env) });
      child.stdout.destroy();
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
      const [code] = await once(child, 'close');
      return [args[0], code, stderr];
    };
    const key = { BRAINTRUST_API_KEY: 'k', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' };
    const endings = await Promise.all([
      ending(['help']),
      ending(['doctor']),
      ending(['inspect', directory]),
      ending(['drain', directory], key),
      ending(['replay', file], key),
      ending(['init', directory, '--dry-run']),
      ending(['dev', '--port', '0']),
      ending(['dev', '--port', '0', '--', process.execPath, '-e', 'process.exitCode = 3']),
    ]);
    const complaint = 'warning: the application ended with exit code 3\n';
    expect(endings).toEqual([
      ['help', 0, ''],
      ['doctor', 1, ''],
      ['inspect', 0, ''],
      ['drain', 0, ''],
      ['replay', 1, ''],
      ['init', 1, expect.stringMatching(/^flue-braintrust: .*\n$/)],
      ['dev', 0, ''],
      ['dev', 3, complaint],
    ]);
  });
});
