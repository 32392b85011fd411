import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli } from './cli';
import { withDirectory } from './run';

export interface Outcome {
  dryRun: boolean;
  files: { path: string; action: 'create' | 'change'; diff: string }[];
  commands: string[];
  notes: string[];
}

/** Runs `init`, which succeeds. */
export async function init(directory: string, ...args: string[]): Promise<Outcome> {
  const ending = await cli(['init', directory, '--json', ...args]);
  expect(ending).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ending.stdout);
}

/** A project of some files, of which nothing is installed. */
export function withFiles(
  files: Record<string, string>,
  use: (directory: string, read: (name: string) => string) => Promise<void>,
) {
  return withDirectory(async (directory) => {
    const all = { 'package.json': '{"dependencies":{"@flue/runtime":"^2.1.0"}}', ...files };
    for (const [name, text] of Object.entries(all)) {
      mkdirSync(join(directory, name, '..'), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    await use(directory, (name) => readFileSync(join(directory, name), 'utf8'));
  });
}
