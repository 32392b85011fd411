/** The Rust crates whose code is in what is published. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const WORKER_TARGET = 'wasm32-unknown-unknown';

/**
 * A package, as `cargo metadata` describes it.
 *
 * @typedef {object} Crate
 * @property {string} id
 * @property {string} name
 * @property {string} version
 * @property {string | null} license an SPDX expression; older ones have `/` for `OR`
 * @property {string | null} source absent for our own
 * @property {string | null} repository
 * @property {string[]} authors
 * @property {string} manifest_path
 * @property {{ kind: string[] }[]} targets
 */

/** @typedef {{ id: string, deps: { pkg: string, dep_kinds: { kind: string | null }[] }[] }} Node */

/**
 * What cargo resolves for some platforms.
 *
 * @param {string[]} [platforms] as Rust names them; default: all that have a binary, and Workers
 * @returns {{ packages: Crate[], resolve: { nodes: Node[] } }}
 */
export function metadata(platforms = [...targets(), WORKER_TARGET]) {
  const filters = platforms.flatMap((name) => ['--filter-platform', name]);
  const args = ['metadata', '--locked', '--format-version', '1', ...filters];
  const options = { cwd: root, encoding: /** @type {const} */ ('utf8'), maxBuffer: 2 ** 28 };
  return JSON.parse(execFileSync('cargo', args, options));
}

/** @returns {string[]} the platforms that have a binary, as Rust names them */
export function targets() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).napi.targets;
}

/**
 * The crates that are linked into the addon of any platform or the module of Workers: neither those that only build or
 * test it nor procedural macros, whose code runs in the compiler.
 *
 * @returns {Crate[]} by name and version, without our own
 */
export function linkedCrates() {
  const crates = [
    ...linked('flue-braintrust', metadata(targets())),
    ...linked('worker', metadata([WORKER_TARGET])),
  ];
  const unique = new Map(crates.map((crate) => [`${crate.name} ${crate.version}`, crate]));
  return [...unique].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, crate]) => crate);
}

/** @param {string} name of a package of ours @param {ReturnType<typeof metadata>} data @returns {Crate[]} */
function linked(name, { packages, resolve }) {
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  /** @type {Set<string>} */
  const found = new Set();
  const visit = (/** @type {string} */ id) => {
    const isMacro = byId.get(id)?.targets.some(({ kind }) => kind.includes('proc-macro'));
    if (found.has(id) || isMacro) return;
    found.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id)?.deps ?? []) {
      if (kinds.some(({ kind }) => kind === null)) visit(pkg);
    }
  };
  const own = packages.find((crate) => crate.name === name && !crate.source);
  if (own === undefined) throw new Error(`cargo knows no package ${name}`);
  visit(own.id);
  return packages.filter(({ id, source }) => source && found.has(id));
}
