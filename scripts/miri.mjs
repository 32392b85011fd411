/**
 * Runs tests in Miri, which finds undefined behaviour: those of the core crate with unsafe code and of the shapes of
 * events, in a minute. Other crates can be named; they take many minutes, since Miri is a hundred times slower than the
 * processor. Of random tests, a few cases run. Needs the nightly toolchain with the components `miri` and `rust-src`.
 *
 *     npm run miri [-- <crate>…]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const CRATES = ['worker', 'flue-event'];
/** Millions of bytes: minutes in Miri. */
const SLOW = [
  'a_recorder_that_is_removed_leaves_its_memory_to_the_others',
  'the_rows_of_all_recorders_together_stay_within_the_bound_of_one',
];

const chosen = process.argv.slice(2);
const crates = (chosen.length > 0 ? chosen : CRATES).flatMap((name) => ['-p', name]);
const skipped = SLOW.flatMap((name) => ['--skip', name]);
const env = {
  ...process.env,
  MIRIFLAGS: '-Zmiri-disable-isolation',
  PROPTEST_CASES: '4',
  // Snapshots would ask Cargo, which Miri cannot start.
  INSTA_WORKSPACE_ROOT: root,
  INSTA_UPDATE: 'no',
};
const args = ['+nightly', 'miri', 'test', '--locked', ...crates, '--lib', '--', ...skipped];
const { status, error } = spawnSync('cargo', args, { cwd: root, env, stdio: 'inherit' });
if (error) console.error(`cargo cannot be started: ${error.message}`);
process.exitCode = status ?? 1;
