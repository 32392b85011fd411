/**
 * Writes what is published about the code of others in it: `THIRD-PARTY.txt` with their licences, and `sbom.cdx.json`,
 * a bill of materials in the form of CycloneDX. Both depend on `Cargo.lock` and `package-lock.json` alone.
 *
 *     node scripts/third-party.mjs
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkedCrates } from './crates.mjs';
import { choose, rules } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What the bundle of the viewer's page has in it. */
const BUNDLED = ['htm', 'preact'];
const LICENCE_FILE = /^(licen[sc]e|copying|notice|unlicense)/i;
const RULE = '-'.repeat(80);

/**
 * @typedef {object} Component
 * @property {string} name
 * @property {string} version
 * @property {'cargo' | 'npm'} kind
 * @property {string} licence its own expression
 * @property {string[]} chosen the licences under which it is used
 * @property {string} text of those
 * @property {string} [sha256]
 */

/** @returns {string[]} the files that are not what they would be now */
export function outdated() {
  return Object.entries(contents())
    .filter(([name, text]) => readOr(join(root, name)) !== text)
    .map(([name]) => name);
}

/** @returns {Record<string, string>} texts of the files, by their names */
function contents() {
  const all = components();
  return { 'THIRD-PARTY.txt': listing(all), 'sbom.cdx.json': bill(all) };
}

/** @returns {Component[]} */
function components() {
  const { licences } = rules();
  const hashes = checksums();
  const crates = linkedCrates().map((crate) => {
    const licence = (crate.license ?? '').replaceAll('/', ' OR ');
    const chosen = choose(licence, licences) ?? [];
    const directory = dirname(crate.manifest_path);
    const sha256 = hashes.get(`${crate.name} ${crate.version}`);
    const text = textIn(directory, chosen) ?? ownText(chosen, crate.authors);
    const { name, version } = crate;
    return { name, version, kind: /** @type {const} */ ('cargo'), licence, chosen, text, sha256 };
  });
  const packages = BUNDLED.map((name) => {
    const directory = join(root, 'node_modules', name);
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const chosen = choose(manifest.license, licences) ?? [];
    const text = textIn(directory, chosen) ?? ownText(chosen, [manifest.author]);
    const { version, license: licence } = manifest;
    return { name, version, kind: /** @type {const} */ ('npm'), licence, chosen, text };
  });
  return [...crates, ...packages];
}

/** @returns {Map<string, string>} by name and version */
function checksums() {
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  const entries = lock.matchAll(
    /^name = "(.+)"\nversion = "(.+)"\nsource = .*\nchecksum = "(.+)"$/gm,
  );
  return new Map(
    Array.from(entries, ([, name, version, checksum = '']) => [`${name} ${version}`, checksum]),
  );
}

/**
 * The texts of the chosen licences in a package: where each has a file of its own, those files.
 *
 * @param {string} directory
 * @param {string[]} chosen
 * @returns {string | undefined} undefined if there is none
 */
function textIn(directory, chosen) {
  const files = readdirSync(directory)
    .filter((name) => LICENCE_FILE.test(name))
    .toSorted();
  const words = chosen.map((name) => name.split('-')[0]?.toLowerCase() ?? '');
  const own = files.filter((file) => words.some((word) => file.toLowerCase().includes(word)));
  const notices = files.filter((file) => /^notice/i.test(file));
  const taken = own.length >= words.length ? [...new Set([...own, ...notices])] : files;
  const texts = taken
    .map((file) => readOr(join(directory, file)))
    .filter((text) => text !== undefined)
    .map((text) => text.replaceAll('\r\n', '\n').trim());
  return texts.length > 0 ? texts.join(`\n\n${RULE}\n\n`) : undefined;
}

/**
 * The licence of a package that has no file with it: the MIT licence with its authors, else the name alone.
 *
 * @param {string[]} chosen
 * @param {string[]} authors
 */
function ownText(chosen, authors) {
  const holders = authors.map((author) => author.replace(/ <.*/, '')).join(', ');
  if (chosen.join() !== 'MIT') return `${chosen.join(', ')}. Copyright: ${holders}`;
  const own = readFileSync(join(root, 'LICENSE'), 'utf8').trim();
  return own.replace(/^Copyright .*$/m, `Copyright (c) ${holders}`);
}

/** @param {Component[]} components @returns {string} each text once, after the names of all that have it */
function listing(components) {
  /** @type {Map<string, Component[]>} */
  const byText = new Map();
  for (const component of components) {
    byText.set(component.text, [...(byText.get(component.text) ?? []), component]);
  }
  const sections = Array.from(byText, ([text, group]) => {
    const names = group.map(({ name, version, licence }) => `${name} ${version} (${licence})`);
    return `${names.join('\n')}\n\n${text}`;
  });
  const head =
    'flue-braintrust contains code of these packages: the crates in its native binaries and its\n' +
    'WebAssembly module, and two npm packages in the page of its trace viewer. Each is followed by the\n' +
    'licence under which it is used.';
  return `${[head, ...sections].join(`\n\n${'='.repeat(80)}\n\n`)}\n`;
}

/** @param {Component[]} components @returns {string} */
function bill(components) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const licences = (/** @type {string} */ expression) => [{ expression }];
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': `pkg:npm/${name}@${version}`,
        name,
        version,
        licenses: licences(license),
        purl: `pkg:npm/${name}@${version}`,
      },
    },
    components: components.map((component) => {
      const purl = `pkg:${component.kind}/${component.name}@${component.version}`;
      return {
        type: 'library',
        'bom-ref': purl,
        name: component.name,
        version: component.version,
        ...(component.sha256 && { hashes: [{ alg: 'SHA-256', content: component.sha256 }] }),
        licenses: licences(component.licence),
        purl,
      };
    }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** @param {string} file */
function readOr(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(contents())) writeFileSync(join(root, name), text);
}
