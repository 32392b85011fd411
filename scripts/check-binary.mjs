/**
 * What a Linux binary may ask of the system it is loaded on: no glibc in one for musl, no newer glibc than
 * that of the oldest system in one for glibc, nothing else but the C library, and not more bytes than it may have.
 *
 *     node scripts/check-binary.mjs <target>
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';

/** The most bytes of a binary. */
const MOST_BYTES = 6_000_000;
/** That of RHEL 8 and of the images that Node itself is built in. */
const NEWEST_GLIBC = '2.28';
/** The libraries that every system of the kind has. */
const LIBRARIES =
  /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|libgcc_s\.so\.1|ld-linux-.*|libc\.so|libc\.musl-.*)$/;

const [target = ''] = process.argv.slice(2);
const kind = target.endsWith('musl') ? 'musl' : 'gnu';
const arch = target.startsWith('aarch64') ? 'arm64' : 'x64';
const file = readdirSync('.').find((name) => name.endsWith(`linux-${arch}-${kind}.node`));
if (file === undefined) throw new Error(`There is no binary for ${target}.`);

const faults = [];
const { size } = statSync(file);
if (size > MOST_BYTES) faults.push(`${size} bytes are more than ${MOST_BYTES}`);

const headers = execFileSync('readelf', ['--dynamic', '--wide', file], { encoding: 'utf8' });
const needed = Array.from(headers.matchAll(/\(NEEDED\).*\[(.*)\]/g), ([, name = '']) => name);
faults.push(...needed.filter((name) => !LIBRARIES.test(name)).map((name) => `it needs ${name}`));

const versions = execFileSync('readelf', ['--version-info', '--wide', file], { encoding: 'utf8' });
const glibc = [...versions.matchAll(/GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version = '']) => version);
const newest = glibc.toSorted(byVersion).at(-1);
if (kind === 'musl' && newest) faults.push(`it needs glibc ${newest}`);
if (newest && byVersion(newest, NEWEST_GLIBC) > 0) {
  faults.push(`it needs glibc ${newest}, newer than ${NEWEST_GLIBC}`);
}

console.log(`${file}: ${size} bytes, needs ${needed.join(', ')}, glibc ${newest ?? 'none'}`);
for (const fault of faults) console.error(`✗ ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** @param {string} a @param {string} b */
function byVersion(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  return x[0] - y[0] || x[1] - y[1];
}
