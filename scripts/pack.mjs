/**
 * Makes what is published, and changes nothing in the working tree: the package of each platform whose binary is
 * there, and the main package, which names the packages of all platforms as optional dependencies. Prints the
 * tarballs in the order in which they are to be published: whoever gets the main package finds the others.
 *
 *     node scripts/pack.mjs <output directory> [--binaries <directory>] [--repository <url>] [--complete | --single | --main]
 *
 * --binaries    where the binaries lie, at any depth; default: where they are built
 * --repository  where the sources are, for npm and the links of the README; default: as in package.json
 * --complete    fails when the binary of a platform is missing
 * --main        the main package alone
 * --single      one tarball, with the binary of this machine inside: to install without a registry
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import buildWorker, { check } from './build-worker.mjs';
import { ENTRY, bundleEntry } from './bundle-entry.mjs';
import bundleViewer from './bundle-viewer.mjs';
import { npm } from './npm.mjs';
import { platformOf } from './platform.mjs';
import { publishedText, withoutDeadLinks } from './published-text.js';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What every package with a binary must have of the main one: the licences of its code. */
const TEXTS = ['LICENSE', 'THIRD-PARTY.txt'];
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    binaries: { type: 'string' },
    repository: { type: 'string' },
    complete: { type: 'boolean' },
    main: { type: 'boolean' },
    single: { type: 'boolean' },
  },
});
const [to, ...more] = positionals;
if (to === undefined || more.length > 0) throw new Error('Name one directory for the tarballs.');
const output = resolve(to);
mkdirSync(output, { recursive: true });

await bundleViewer();
buildWorker();
check();
const staging = mkdtempSync(join(tmpdir(), 'flue-braintrust-pack-'));
/** Of the main package: what is published in the place of a file, by its name. */
const bundled = { [ENTRY]: join(staging, 'entry.js') };
try {
  await bundleEntry(bundled[ENTRY]);
  console.log((options.single ? packSingle() : packAll()).join('\n'));
} finally {
  rmSync(staging, { recursive: true });
}

/** @returns {string[]} the tarballs of the platforms, and that of the main package */
function packAll() {
  const main = manifestIn(root);
  const platforms = readdirSync(join(root, 'npm')).map((name) => join(root, 'npm', name));
  const packed = options.main ? [] : platforms;
  const tarballs = packed.flatMap((directory) => packPlatform(directory) ?? []);
  const optionalDependencies = Object.fromEntries(
    platforms.map((directory) => [manifestIn(directory).name, main.version]),
  );
  return [...tarballs, pack(root, { ...main, optionalDependencies }, bundled)];
}

/** @returns {string[]} the main package with the binary of this machine in it */
function packSingle() {
  const main = manifestIn(root);
  const name = `flue-braintrust.${platformOf()}.node`;
  const binary = findBinary(name);
  if (binary === undefined) throw new Error(`There is no ${name}: run \`npm run build\`.`);
  const files = [...main.files, name];
  return [pack(root, { ...main, files }, { ...bundled, [name]: binary })];
}

/** @param {string} directory @returns {string | undefined} the tarball, if there is a binary to put into it */
function packPlatform(directory) {
  const manifest = manifestIn(directory);
  const binary = findBinary(manifest.main);
  if (binary !== undefined) {
    const texts = Object.fromEntries(TEXTS.map((name) => [name, join(root, name)]));
    const files = [...manifest.files, ...TEXTS];
    return pack(directory, { ...manifest, files }, { [manifest.main]: binary, ...texts });
  }
  if (options.complete) throw new Error(`There is no ${manifest.main}.`);
  return undefined;
}

/** @param {string} name @returns {string | undefined} */
function findBinary(name) {
  const { binaries = root } = options;
  const paths = readdirSync(binaries, { encoding: 'utf8', recursive: binaries !== root });
  const found = paths.find((path) => basename(path) === name);
  return found && join(binaries, found);
}

/**
 * Packs a copy of what npm would take from a directory.
 *
 * @param {string} directory
 * @param {Record<string, any>} manifest in the place of its own
 * @param {Record<string, string>} [additions] where more or other files come from, by their names in the package
 * @returns {string} the tarball
 */
function pack(directory, manifest, additions = {}) {
  const stage = join(staging, manifest.name);
  const { files } = packed(directory, '--dry-run');
  const own = Object.fromEntries(files.map(({ path }) => [path, join(directory, path)]));
  const repository = options.repository ?? manifest.repository?.url;
  const { version } = manifest;
  for (const [path, from] of Object.entries({ ...own, ...additions })) {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    if (path.endsWith('.md')) {
      const text = readFileSync(from, 'utf8');
      const about = { repository, version, files: Object.keys(own) };
      const published = repository
        ? publishedText(text, path, about)
        : withoutDeadLinks(text, path, about.files);
      writeFileSync(join(stage, path), published);
    } else copyFileSync(from, join(stage, path));
  }
  const published = {
    ...manifest,
    // Here, examples in TypeScript are ES modules.
    type: 'commonjs',
    ...(repository && { repository: { type: 'git', url: repository } }),
  };
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  return join(output, packed(stage, '--pack-destination', output).filename);
}

/** @typedef {Record<string, { filename: string, files: { path: string }[] }>} PackReport */

/** The report of `npm pack` on a package. @param {string} directory @param {string[]} flags */
function packed(directory, ...flags) {
  const { command, args, shell } = npm(['pack', '--json', '--ignore-scripts', ...flags]);
  const text = execFileSync(command, args, {
    cwd: directory,
    shell,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // One package, in a list or under its name.
  const [report] = Object.values(/** @type {PackReport} */ (JSON.parse(text)));
  if (report === undefined) throw new Error(`npm packs nothing in ${directory}.`);
  return report;
}

/** @param {string} directory @returns {Record<string, any>} */
function manifestIn(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}
