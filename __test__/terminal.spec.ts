import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canRedraw, columnsOf, hasColours } from '../tools/support/terminal';
import { CLI, cli } from './support/cli';
import { environment, finished, withDirectory } from './support/run';

const linuxTest = process.platform === 'linux' ? test : test.skip;

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
    const problem = 'warning: the application ended with exit code 3\n';
    expect(endings).toEqual([
      ['help', 0, ''],
      ['doctor', 1, ''],
      ['inspect', 0, ''],
      ['drain', 0, ''],
      ['replay', 1, ''],
      ['init', 1, expect.stringMatching(/^flue-braintrust: .*\n$/)],
      ['dev', 0, ''],
      ['dev', 3, problem],
    ]);
  });
});

linuxTest('no command prints a stack trace, or hangs, whatever it is given', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'events');
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0, 10, 0x7b, 0x7d, 10]));
    const long = 'x'.repeat(5000);
    const key = { BRAINTRUST_API_KEY: 'k', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' };
    const commands: [expected: number, ...args: string[]][] = [
      [2, '__proto__'],
      [2, 'help', 'toString'],
      [2, 'dev', '--port='],
      [2, 'dev', '--file', ''],
      [1, 'dev', '--port', '0', '--host', 'a b'],
      [1, 'dev', '--port', '0', '--file', '/dev/zero'],
      [1, 'dev', '--port', '0', '--file', '/dev/null', '--clear'],
      [1, 'dev', '--port', '0', '--file', `${directory}/${long}`],
      [126, 'dev', '--port', '0', '--', long],
      [1, 'inspect', file],
      [1, 'inspect', long],
      [1, 'drain', file],
      [1, 'replay', directory],
      [1, 'replay', file],
      [1, 'init', long],
      [1, 'top', '9'.repeat(40)],
    ];
    const endings = await Promise.all(
      commands.map(async ([, ...args]) => ({ args, ...(await cli(args, { env: key })) })),
    );
    for (const [n, { args, code, stdout, stderr }] of endings.entries()) {
      expect([args, code]).toEqual([args, commands[n]?.[0]]);
      expect(stdout + stderr).not.toMatch(/^ {4}at |Error:|node:internal/m);
    }
  });
});

linuxTest('a full disk under the output is one line, and the exit code 1', async () => {
  for (const args of ['help', 'dev --port 0 -- true']) {
    const line = `exec '${process.execPath}' '${CLI}' ${args} >/dev/full </dev/null`;
    const { code, stderr } = await finished('sh', ['-c', line], {}, '/');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^flue-braintrust: the output cannot be written: ENOSPC.*\n$/),
    });
  }
});
