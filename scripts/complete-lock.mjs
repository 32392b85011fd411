/**
 * Completes package-lock.json after `npm install`. A registry mirror may lack the binaries of
 * platforms it does not serve; npm then leaves those optional packages out of the lock, and `npm ci`
 * refuses a lock that lacks what it names. Run after every change of the dependencies.
 *
 *     node scripts/complete-lock.mjs [package-lock.json]
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));
const { packages } = lock;

let added = 0;
for (const entry of Object.values({ ...packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(name)) continue;
    packages[`node_modules/${name}`] = {
      version,
      ...(entry.dev && { dev: true }),
      optional: true,
      ...platformOf(name),
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional packages added to ${file}`);

function isLocked(name) {
  return Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`));
}

/** What npm needs to know to leave the package out on other platforms; read off its name. */
function platformOf(name) {
  if (name.includes('wasm32')) return { cpu: ['wasm32'] };
  const [, os, cpu, abi] = /(android|darwin|freebsd|linux|openharmony|win32)-(\w+)-?(\w*)/.exec(
    name,
  );
  const libc = os === 'linux' && { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] };
  return { cpu: [cpu], ...libc, os: [os] };
}
