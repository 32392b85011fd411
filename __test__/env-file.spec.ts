import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, withDirectory } from './support/run';

const onPosix = process.platform === 'win32' ? describe.skip : describe;
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

/** What `initLogger` reads of a file above the working directory, and what it warns of. */
const readAbove = (prepare: (file: string, workingDirectory: string) => void) =>
  withDirectory(async (directory) => {
    const file = join(directory, '.env.braintrust');
    const workingDirectory = join(directory, 'app');
    writeFileSync(file, 'BRAINTRUST_APP_URL=http://127.0.0.1:9');
    mkdirSync(workingDirectory);
    prepare(file, workingDirectory);
    const program = `
      process.chdir(${JSON.stringify(workingDirectory)});
      require(${JSON.stringify(ROOT)}).initLogger({ apiKey: 'key' });
      console.log(Object.keys(require(${JSON.stringify(join(ROOT, 'js/environment.js'))}).environment().file).join());`;
    const { stdout, stderr } = await run(['-e', program]);
    return { read: stdout.trim(), stderr };
  });

const READ = { read: 'BRAINTRUST_APP_URL', stderr: '' };
const ignored = (why: string) => ({
  read: '',
  stderr: expect.stringMatching(`ENV_FILE: .* cannot be used \\(${why}\\). It is ignored.`),
});

test('an .env.braintrust as editors on Windows write it is read, or named as what it is', async () => {
  const text = 'BRAINTRUST_APP_URL=http://127.0.0.1:9';
  expect(await readAbove((file) => writeFileSync(file, `\ufeff${text}`))).toEqual(READ);
  const inUtf16 = await readAbove((file) => writeFileSync(file, `\ufeff${text}`, 'utf16le'));
  expect(inUtf16).toEqual(ignored('it is not UTF-8'));
});

test('where the permissions of Node allow the package alone, an .env.braintrust is not missed', async () => {
  const program = `require(${JSON.stringify(ROOT)}).initLogger({ apiKey: 'key', exitTimeoutMs: 0 })`;
  const permitted = ['--permission', '--allow-addons', `--allow-fs-read=${ROOT}/*`];
  const { code, stderr } = await run([...permitted, '-e', program]);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('FLUE_BRAINTRUST')]);
});

onPosix('an .env.braintrust that is no regular file', () => {
  test.each([
    ['a FIFO to which nobody writes', (file: string) => execFileSync('mkfifo', [file])],
    ['a device without an end', (file: string) => symlinkSync('/dev/zero', file)],
    ['a directory', (file: string) => mkdirSync(file)],
  ])('is named and ignored, and delays nothing: %s', async (_, put) => {
    const found = await readAbove((file) => {
      rmSync(file);
      put(file);
    });
    expect(found).toEqual(ignored('it is not a regular file'));
  });
});

onPosix('of a file above the working directory', () => {
  test('an .env.braintrust that everyone can write redirects no key', async () => {
    const found = await readAbove((file) => chmodSync(file, 0o666));
    expect(found).toEqual(ignored('every user can write it'));
  });

  test('an .env.braintrust that the group can write is read', async () => {
    expect(await readAbove((file) => chmodSync(file, 0o664))).toEqual(READ);
  });

  test('an .env.braintrust that everyone can write is read where that holds for the working directory, too', async () => {
    const found = await readAbove((file, workingDirectory) => {
      chmodSync(file, 0o666);
      chmodSync(workingDirectory, 0o777);
    });
    expect(found).toEqual(READ);
  });

  test('an .env.braintrust that everyone can write redirects no key in a directory where everyone can only add files', async () => {
    const found = await readAbove((file, workingDirectory) => {
      chmodSync(file, 0o666);
      chmodSync(workingDirectory, 0o1777);
    });
    expect(found).toEqual(ignored('every user can write it'));
  });

  asRoot('with files of another user', () => {
    test('an .env.braintrust of another user redirects no key', async () => {
      const found = await readAbove((file) => chownSync(file, 65_534, 65_534));
      expect(found).toEqual(ignored('it belongs to another user'));
    });

    test('an .env.braintrust of the user who owns the working directory is read', async () => {
      const found = await readAbove((file, workingDirectory) => {
        for (const path of [file, workingDirectory]) chownSync(path, 65_534, 65_534);
      });
      expect(found).toEqual(READ);
    });
  });
});
