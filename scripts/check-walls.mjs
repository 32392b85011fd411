/**
 * The walls between the parts of the Rust code: no circle among the files of a crate, and no input, output,
 * thread, clock or environment in a core crate, neither in its sources nor through what it depends on.
 *
 *     node scripts/check-walls.mjs
 *
 * An import is a `use` or a path that begins with `crate`, `super`, `self` or a child module. An item that a
 * module re-exports counts as an import of that module, so a file must import items from where they are
 * declared. Code for tests alone is left out.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Crates that are hosts, not core. */
const HOSTS = new Set(['simulation', 'worker']);
const CRATES = readdirSync('crates').filter((name) => existsSync(`crates/${name}/Cargo.toml`));
/** The folders whose files form no circle. */
const SOURCES = ['src', ...CRATES.map((name) => `crates/${name}/src`)];
const CORE = CRATES.filter((name) => !HOSTS.has(name));
/** Packages that no core crate depends on. */
const DENIED_PACKAGES = /^(?:tokio|reqwest|hyper|napi|mio|socket2|getrandom)$/;
/** Paths that no core crate uses. */
const DENIED_PATHS = /\bstd::(?:fs|env|net|process|thread)\b|\b(?:Instant|SystemTime)::now\b/;

const NOISE =
  /\/\/[^\n]*|\/\*[^]*?\*\/|\bb?r(#*)"[^]*?"\1|\bb?"(?:\\[^]|[^"\\])*"|"(?:\\[^]|[^"\\])*"|\bb?'(?:\\u\{[^}]*\}|\\x..|\\.|[^'\\\n])'|'(?:\\u\{[^}]*\}|\\x..|\\.|[^'\\\n])'/g;

/** The code of a file without comments, literals and items that exist in tests alone. */
function codeOf(file) {
  let code = readFileSync(file, 'utf8').replace(NOISE, '""');
  for (let at; (at = code.indexOf('#[cfg(test)]')) >= 0;) {
    code = code.slice(0, at) + code.slice(endOfItem(code, at));
  }
  return code;
}

/** Where the item at `at` ends: behind its semicolon or its last brace. */
function endOfItem(code, at) {
  for (let depth = 0, here = at; here < code.length; here += 1) {
    if ('{(['.includes(code[here])) depth += 1;
    if (')]'.includes(code[here])) depth -= 1;
    if (code[here] === '}' && --depth === 0 && !/^\s*;/.test(code.slice(here + 1))) return here + 1;
    if (code[here] === ';' && depth === 0) return here + 1;
  }
  return code.length;
}

/** The paths of a `use` tree such as `a::{self, b::{C, D}}`. */
function pathsOf(tree) {
  const open = tree.indexOf('{');
  if (open < 0) return [tree.replace(/\bas \w+/, '').trim()];
  const prefix = tree.slice(0, open).trim();
  const parts = [''];
  let depth = 0;
  for (const letter of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    if (letter === '{') depth += 1;
    if (letter === '}') depth -= 1;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  const present = parts.filter((part) => part.trim() !== '');
  return present.flatMap((part) => pathsOf(part)).map((part) => prefix + part);
}

/** All paths that a file names: those of its `use`s, expanded, and those in its code. */
function namesOf(code) {
  const uses = [...code.matchAll(/\buse\s+([^;]+);/g)].flatMap(([, tree]) => pathsOf(tree));
  const rest = code.replace(/\buse\s+[^;]+;/g, '');
  return [...uses, ...Array.from(rest.matchAll(/\b(?:[a-z_]\w*::)+\w+/g), ([name]) => name)];
}

/** A module and its children, as far as each is a file. */
function moduleOf(file, parent) {
  const code = codeOf(file);
  const module = { file, code, parent, children: new Map() };
  const stem = path.basename(file, '.rs');
  const isFolder = ['lib', 'main', 'mod'].includes(stem);
  const folder = isFolder ? path.dirname(file) : path.join(path.dirname(file), stem);
  for (const [, name] of code.matchAll(/\bmod\s+(\w+)\s*;/g)) {
    const found = [`${folder}/${name}.rs`, `${folder}/${name}/mod.rs`].find((at) => existsSync(at));
    if (found) module.children.set(name, moduleOf(found, module));
  }
  return module;
}

const all = (module) => [module, ...[...module.children.values()].flatMap((child) => all(child))];

/** The module that a path leads to; `undefined` when it leads out of the crate. */
function resolve(module, root, name) {
  const segments = name.split('::').map((segment) => segment.trim());
  let here = module;
  if (segments[0] === 'crate') here = root;
  else if (!['self', 'super'].includes(segments[0]) && !module.children.has(segments[0])) return;
  while (['crate', 'self', 'super'].includes(segments[0])) {
    if (segments.shift() === 'super') here = here?.parent;
  }
  while (here?.children.has(segments[0])) here = here.children.get(segments.shift());
  return here;
}

/** A circle among the modules of a crate, as the list of its files. */
function circleOf(root) {
  const done = new Set();
  const visit = (module, trail) => {
    if (trail.includes(module)) return [...trail.slice(trail.indexOf(module)), module];
    if (done.has(module)) return;
    const targets = new Set(namesOf(module.code).map((name) => resolve(module, root, name)));
    targets.delete(module);
    targets.delete(undefined);
    for (const target of targets) {
      const circle = visit(target, [...trail, module]);
      if (circle) return circle;
    }
    done.add(module);
  };
  for (const module of all(root)) {
    const circle = visit(module, []);
    if (circle) return circle.map(({ file }) => file);
  }
}

const faults = [];
let files = 0;
for (const source of SOURCES) {
  const root = moduleOf(`${source}/lib.rs`);
  files += all(root).length;
  const circle = circleOf(root);
  if (circle) faults.push(`circle: ${circle.join(' -> ')}`);
  if (!CORE.some((name) => source === `crates/${name}/src`)) continue;
  for (const { file, code } of all(root)) {
    for (const name of [...namesOf(code), ...code.matchAll(/\b\w+::now\b/g)].map(String)) {
      if (DENIED_PATHS.test(name)) faults.push(`${file} uses ${name}`);
    }
  }
}

const cargo = ['metadata', '--format-version', '1', '--locked'];
const text = execFileSync('cargo', cargo, { encoding: 'utf8', maxBuffer: 2 ** 28 });
const { packages, resolve: graph } = JSON.parse(text);
const names = new Map(packages.map(({ id, name }) => [id, name]));
const dependencies = new Map(graph.nodes.map(({ id, deps }) => [id, deps]));
for (const { id: start, name, source } of packages) {
  if (source !== null || !CORE.includes(name)) continue;
  const reached = new Map([[start, name]]);
  for (const [id, trail] of reached) {
    if (DENIED_PACKAGES.test(names.get(id))) faults.push(`dependency: ${trail}`);
    for (const { pkg, dep_kinds: kinds } of dependencies.get(id) ?? []) {
      if (kinds.some(({ kind }) => kind === null) && !reached.has(pkg)) {
        reached.set(pkg, `${trail} -> ${names.get(pkg)}`);
      }
    }
  }
}

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log(`walls: ${files} files without a circle, ${CORE.length} core crates without I/O`);
