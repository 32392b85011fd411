// Breaks the core on purpose, one mutation after the other, and shows that the simulator finds each.
//
//   node scripts/mutations.mjs [--seeds 3000] [--only text] [--markdown]
//   node scripts/mutations.mjs --list
//
// Each mutation is a replacement in a scratch copy of the crates; a text that is not found exactly once is an error.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations/list.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = join(root, 'target', 'mutations');

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3000' },
    only: { type: 'string', default: '' },
    markdown: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

// All texts are looked for before anything is built.
const mutations = MUTATIONS.filter((mutation) => mutation.name.includes(options.only));
const mutated = mutations.map(mutate);
if (options.list) {
  for (const { name } of mutations) console.log(name);
  process.exit();
}

mkdirSync(scratch, { recursive: true });
const files = ['Cargo.lock', 'Cargo.toml', 'build.rs', 'clippy.toml', 'crates', 'fuzz', 'src'];
for (const file of files) {
  // What is not there any more must not stay.
  rmSync(join(scratch, file), { recursive: true, force: true });
  cpSync(join(root, file), join(scratch, file), { recursive: true, preserveTimestamps: true });
}

// Built fast rather than to run fast: most mutations are found within a hundred worlds.
const env = {
  ...process.env,
  CARGO_TARGET_DIR: join(scratch, 'target'),
  CARGO_PROFILE_SIMULATION_OPT_LEVEL: '0',
};
const build = () =>
  spawnSync(
    'cargo',
    ['build', '--quiet', '--locked', '-p', 'simulation', '--profile', 'simulation'],
    {
      cwd: scratch,
      env,
      encoding: 'utf8',
    },
  );

/** The file with the mutation in it. */
function mutate({ name, file, replace, by }) {
  const text = readFileSync(join(root, file), 'utf8');
  if (text.split(replace).length !== 2) {
    throw new Error(`${name}: the text to replace is not exactly once in ${file}`);
  }
  return text.replace(replace, () => by);
}

const rows = [];
for (const [position, { name, file, world }] of mutations.entries()) {
  const path = join(scratch, file);
  writeFileSync(path, mutated[position]);
  const built = build();
  let found = '';
  if (built.status === 0) {
    const run = spawnSync(
      join(scratch, 'target', 'simulation', 'simulate'),
      world === undefined ? ['--seeds', options.seeds, '--find'] : ['--seed', world],
      { encoding: 'utf8', timeout: 600_000 },
    );
    found = run.stdout.match(/^seed \d+: .*$/m)?.[0] ?? '';
  } else {
    console.error(`${name} does not build:\n${built.stderr}`);
  }
  writeFileSync(path, readFileSync(join(root, file), 'utf8'));
  const [, seed, invariant] = found.match(/^seed (\d+): (.*?) at [\d.]+ s: /) ?? [];
  rows.push({ name, invariant: invariant ?? 'NOT FOUND', seeds: seed ? Number(seed) + 1 : NaN });
  console.log(`${invariant ? 'found' : 'MISSED'}  ${name}: ${found.slice(0, 160)}`);
}

if (options.markdown) {
  console.log('\n| Mutation | Invariant | Worlds |\n| --- | --- | ---: |');
  for (const { name, invariant, seeds } of rows) {
    console.log(`| ${name} | ${invariant} | ${seeds} |`);
  }
}
const missed = rows.filter(({ seeds }) => Number.isNaN(seeds));
console.log(`${rows.length - missed.length} of ${rows.length} mutations found`);
process.exitCode = missed.length > 0 ? 1 : 0;
