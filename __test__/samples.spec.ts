import { globSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { ROOT, run, withDirectory } from './support/run';

/** What the samples leave to the reader. */
const OF_THE_READER = `
  declare const answer: any, ask: any, body: any, data: any, handle: any, herbarium: any, importLeads: any;
  declare const request: any, scores: any, sensors: any, submissionId: string, url: string;
  declare module '*/agents/keeper.ts' { export function Keeper(): string; }
  declare module '*/braintrust.ts' {}`;

const OPTIONS = {
  strict: true,
  module: 'nodenext',
  target: 'es2023',
  types: ['node'],
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
};

/** The TypeScript in a page, each sample as a module. */
const samplesOf = (page: string) =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
    ([, code], i): [string, string] => [`${parse(page).name}-${i + 1}.mts`, `${code}\nexport {};`],
  );

test('every sample in TypeScript compiles as it is, in strict mode', () =>
  withDirectory(async (directory) => {
    const samples = globSync(['README.md', 'docs/*.md'], { cwd: ROOT }).flatMap(samplesOf);
    expect(samples.length).toBeGreaterThanOrEqual(20);
    for (const [name, code] of samples) writeFileSync(join(directory, name), code);
    writeFileSync(join(directory, 'reader.d.ts'), OF_THE_READER);
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    const paths = {
      'flue-braintrust': [join(ROOT, 'index.d.mts')],
      'flue-braintrust/testing': [join(ROOT, 'testing.d.ts')],
    };
    const config = { compilerOptions: { ...OPTIONS, paths } };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = await run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', directory]);
    expect(stdout).toBe('');
  }));
