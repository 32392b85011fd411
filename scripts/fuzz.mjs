/**
 * Runs the fuzz targets one after the other, beginning with what was recorded from real runs of Flue.
 * Ends with 1 when one of them finds something; the input is then in fuzz/artifacts.
 *
 *     npm run fuzz -- [target…] [--seconds 60]
 *
 * The target `patterns` is `fuzz-patterns.mjs`, which compares patterns with those of V8.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const recordings = join(root, '__test__', 'corpus');
const corpus = join(root, 'fuzz', 'corpus');
const LONGEST_INPUT = 16_384;
/** The target that is a script of its own. */
const PATTERNS = 'patterns';

/** Rules, and what they are applied to. */
const rules = [
  '{"keys":["api_key","password"],"paths":["input.**.email","input.*.x"],"replacement":"*"}',
  '{"patterns":["a+b","\\\\d{3}",{"source":"^x.*$","flags":"gim"}]}',
  '{"builtins":["api-keys","bearer-tokens","credentials","credit-cards","emails","ip-addresses","jwts","private-keys"]}',
];
const payload =
  '{"apiKey":["a","\\ud83c","{\\"password\\":1}"],"user":{"email":"a@b.example"},"card":"4111 1111 1111 1111"}';

/** The inputs to begin with, by target. */
const seeds = {
  event_decode: events,
  spool_file: () => ['000000000000feed-4711-0000beef-0000000007.rows', spoolFile()],
  redact: () => rules.map((given) => `${given}\n${payload}`),
  json_strings: () => ['{"a":"\\n\\u0070lum"}', 'data: ["\\"x"]', '\\"[{'],
  retry_after: () =>
    ['7', '999999999999', 'Mon, 23 Nov 2026 07:02:54 GMT'].map((value) => answer(503, value)),
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' } },
});
const known = [...Object.keys(seeds), PATTERNS];
const targets = positionals.length > 0 ? positionals : known;
const unknown = targets.filter((target) => !known.includes(target));
if (unknown.length > 0 || !(Number(options.seconds) > 0)) {
  console.error(`Usage: npm run fuzz -- [${known.join(' | ')}]… [--seconds 60]`);
  process.exit(2);
}
if (cargo(['fuzz', '--version'], 'ignore') !== 0) {
  console.error('Missing: cargo-fuzz. Please install it with `cargo install cargo-fuzz`.');
  process.exit(2);
}

const found = targets.filter((target) => !holds(target));
console.log(found.length > 0 ? `Found something: ${found.join(', ')}.` : 'Nothing found.');
process.exitCode = found.length > 0 ? 1 : 0;

/** Fuzzes one target. */
function holds(target) {
  if (target === PATTERNS) {
    const script = join(root, 'scripts', 'fuzz-patterns.mjs');
    const args = [script, '--seconds', options.seconds, '--seed', String(Date.now())];
    return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
  }
  const directory = join(corpus, target);
  mkdirSync(directory, { recursive: true });
  for (const [index, seed] of seeds[target]().entries()) {
    writeFileSync(join(directory, `seed-${index}`), seed);
  }
  const limits = [`-max_total_time=${options.seconds}`, `-max_len=${LONGEST_INPUT}`, '-timeout=10'];
  return (
    cargo(
      ['fuzz', 'run', '--features', 'fuzzer', target, directory, '--', ...limits],
      'inherit',
    ) === 0
  );
}

/**
 * Runs cargo. The fuzzer's instrumentation needs what only nightly compilers offer unasked, and does not link after
 * optimisation over all crates: parts of what it counts are gone then.
 */
function cargo(args, stdio) {
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', CARGO_PROFILE_RELEASE_LTO: 'off' };
  return spawnSync('cargo', args, { cwd: root, env, stdio }).status;
}

/** The events of each recording, as far as they fit: whole small runs, and the beginnings of others. */
function events() {
  const files = readdirSync(recordings, { recursive: true }).filter((name) =>
    name.endsWith('.ndjson'),
  );
  return files.map((name) => {
    const lines = readFileSync(join(recordings, name), 'utf8').trimEnd().split('\n');
    let text = '';
    for (const { event } of lines.map((line) => JSON.parse(line))) {
      const line = event ? `${JSON.stringify(event)}\n` : '';
      if (text.length + line.length <= LONGEST_INPUT) text += line;
    }
    return text;
  });
}

/** A file of the spool with two rows, as docs/spool-format.md describes it. */
function spoolFile() {
  const content = Buffer.from('{"id":"a"}\n{"id":"b"}');
  const header = Buffer.alloc(36);
  header.write('flue-bt\u0001');
  header.writeBigInt64LE(1_795_417_364_000n, 8);
  header.writeUInt32LE(2, 16);
  header.writeBigUInt64LE(BigInt(content.length), 20);
  header.writeUInt32LE(crc32(content), 28);
  header.writeUInt32LE(crc32(header.subarray(0, 32)), 32);
  return Buffer.concat([header, content]);
}

/** An answer of the server: its status, the time, and its `Retry-After`. */
function answer(status, retryAfter) {
  const head = Buffer.alloc(10);
  head.writeUInt16LE(status);
  head.writeBigInt64LE(1_795_417_364_000n, 2);
  return Buffer.concat([head, Buffer.from(retryAfter)]);
}
