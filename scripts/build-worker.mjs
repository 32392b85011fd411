/**
 * Builds the WebAssembly module of Workers, `js/edge/core.wasm`, unless it is newer than its sources. Fails when it
 * imports anything or is too large.
 *
 *     node scripts/build-worker.mjs
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'js/edge/core.wasm');
const built = join(root, 'target/wasm32-unknown-unknown/worker/worker.wasm');
/** Optimised, with the names of its functions. */
const named = join(root, 'target/wasm32-unknown-unknown/worker/worker.named.wasm');
/** Of 3 MiB that a free Worker may have in all. */
const MAX_GZIP_BYTES = 520_000;
/** Large functions stay apart although one other calls them: an isolate compiles what it calls, function by function. */
const SEPARATE = ['--one-caller-inline-max-function-size', '20'];
/** For speed, then for size: smaller after gzip than either alone, and inlined functions are not compiled each for itself. */
const LEVEL = ['-O2', '--shrink-level=1'];
/** What differs in constants alone is one function: an isolate compiles it once. */
const MERGED = ['--merge-similar-functions'];
/** At address 0 is the end of the stack, which grows down: no pointer is so low that an offset could not join it. */
const LOW_MEMORY = ['--low-memory-unused'];
/** Functions of like names are alike, and compress best side by side: 3 % less after gzip. The names then go. */
const ORDERED = ['--reorder-functions-by-name', '--strip-debug'];
const FEATURES = ['bulk-memory', 'mutable-globals', 'nontrapping-float-to-int', 'sign-ext', 'simd'];
/** Texts are searched and checked sixteen bytes at a time, by code that is smaller than that for single bytes. */
const VECTORS = '-Ctarget-feature=+simd128';

export default function buildWorker() {
  if (isCurrent()) return;
  const begin = new Date();
  const { command, args, env } = cargoBuild();
  execute(command, args, env);
  const features = FEATURES.map((name) => `--enable-${name}`);
  const optimizer = join(root, 'node_modules/binaryen/bin/wasm-opt');
  const optimize = (input, options, result) =>
    execute(process.execPath, [optimizer, ...features, ...options, input, '-o', result]);
  const smaller = [...LEVEL, ...SEPARATE, ...LOW_MEMORY, ...MERGED];
  optimize(built, ['--converge', ...smaller, '--debuginfo'], named);
  optimize(named, ORDERED, output);
  // A source that changed meanwhile is newer.
  utimesSync(output, begin, begin);
}

/** The command that compiles the module, before it is optimised. Its dependencies are Cargo's alone. */
export function cargoBuild() {
  const args = ['rustc', '--locked', '--quiet', '--package', 'worker', '--lib'];
  args.push('--crate-type', 'cdylib', '--target', 'wasm32-unknown-unknown', '--profile', 'worker');
  // Messages of panics name files: not by the paths of this machine.
  const home = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const remaps = [`${join(home, 'registry/src')}=`, `${root}=`];
  const flags = [VECTORS, ...remaps.map((remap) => `--remap-path-prefix=${remap}`)];
  return {
    command: 'cargo',
    args,
    env: { ...process.env, CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f') },
    cwd: root,
  };
}

/** Throws when the module imports something or is too large; its sizes in bytes. */
export function check() {
  const bytes = readFileSync(output);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  if (imports.length > 0) throw new Error(`the module imports ${JSON.stringify(imports)}`);
  const gzip = gzipSync(bytes, { level: 9 }).length;
  if (gzip > MAX_GZIP_BYTES) throw new Error(`the module has ${gzip} bytes after gzip`);
  return { bytes: bytes.length, gzip };
}

/** Whether the module is newer than its sources. */
export function isCurrent() {
  if (!existsSync(output)) return false;
  const made = statSync(output).mtimeMs;
  const sources = readdirSync(join(root, 'crates'), { recursive: true })
    .filter((name) => /\.(rs|toml)$/.test(name) && !/^simulation\b|\btests\b/.test(name))
    .map((name) => join(root, 'crates', name))
    .concat(join(root, 'Cargo.toml'), join(root, 'Cargo.lock'), fileURLToPath(import.meta.url));
  return sources.every((name) => statSync(name).mtimeMs <= made);
}

function execute(command, args, env = process.env) {
  execFileSync(command, args, { cwd: root, env, stdio: 'inherit' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildWorker();
  const { bytes, gzip } = check();
  console.log(`js/edge/core.wasm: ${bytes} bytes, ${gzip} after gzip, no imports`);
}
