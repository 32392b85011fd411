import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseSync } from '@swc/core';
import { ROOT } from './support/run';

/** Who may load whom in `js/`, read off the sources; of the native part, the manifests of the crates are the walls. */

/** For each module, a folder being one: those of ours, and the packages, that it may load. */
const TABLE: Record<string, string> = {
  index: 'context exporter spans',
  register: 'environment index plain-copy warn',

  exporter: `capture context environment json-string masking native-loader options plain-copy signals stringify troubles
    warn`,
  spans: 'context plain-copy span-link stringify warn',
  capture: 'context essentials histories stringify',
  histories: 'remembered stringify',
  masking: 'json-string plain-copy stringify',
  stringify: 'is-plain limits plain-copy',
  'is-plain': 'limits',
  'plain-copy': 'limits',
  essentials: 'plain-copy',
  troubles: 'warn',
  'native-loader': 'native',
  'json-string': '',
  context: '',
  environment: '',
  limits: '',
  options: '',
  remembered: '',
  signals: '',
  'span-link': '',
  warn: '',

  workerd: 'context braintrust cloudflare:workers',

  cli: 'collector doctor environment exporter init json-string native-loader package plain-copy replay',
  doctor: 'cli environment json-string native-loader package plain-copy span-link',
  init: 'cli',
  replay: '',
  collector: 'viewer',
  viewer: 'collector',
  'viewer/page': 'htm preact preact/hooks',
};
const MAY_LOAD = new Map<string, string[]>(
  Object.entries(TABLE).map(([module, names]) => [module, names.match(/\S+/g) ?? []]),
);

const FILES = [
  'index.js',
  ...readdirSync(join(ROOT, 'js'), { recursive: true })
    .map((name) => join('js', String(name)))
    .filter((name) => /\.m?js$/.test(name)),
];
const IMPORTS = new Map(FILES.map((file) => [file, importsOf(file)]));

test('every module loads only what it may', () => {
  const faults = FILES.flatMap((file) => {
    const module = moduleOf(file);
    const allowed = MAY_LOAD.get(module);
    if (allowed === undefined) return `${module} is not in the table`;
    return importsFrom(file)
      .filter((name) => !name.startsWith('node:'))
      .map((name) => (isOurs(name) ? moduleOf(name) : name))
      .filter((name) => name !== module && !allowed.includes(name))
      .map((name) => `${file}: ${module} may not load ${name}`);
  });
  expect(faults).toEqual([]);
});

test('the table allows nothing that nobody does', () => {
  const loaded = (module: string) =>
    FILES.filter((file) => moduleOf(file) === module)
      .flatMap(importsFrom)
      .map((name) => (isOurs(name) ? moduleOf(name) : name));
  const unused = [...MAY_LOAD].flatMap(([module, allowed]) =>
    allowed.filter((name) => !loaded(module).includes(name)).map((name) => `${module}: ${name}`),
  );
  expect(unused).toEqual([]);
});

test('an application never loads the tools: neither collector, viewer nor commands', () => {
  const loaded = reachable('js/register.mjs', reachable('index.js'));
  const modules = [...loaded].map(moduleOf);
  expect(modules).toContain('native-loader');
  for (const tool of ['cli', 'collector', 'doctor', 'init', 'replay', 'viewer']) {
    expect(modules).not.toContain(tool);
  }
});

test.each(['js/workerd/index.mjs', 'js/workerd/edge-light.mjs'])(
  '%s loads nothing native, and of Node only what the edge has',
  (entry) => {
    const files = [...reachable(entry)];
    expect(files).toContain('js/context.js');
    expect(files.map(moduleOf)).not.toContain('native-loader');
    const ofNode = files.flatMap(importsFrom).filter((name) => name.startsWith('node:'));
    expect([...new Set(ofNode)]).toEqual(['node:async_hooks']);
  },
);

const isOurs = (name: string) => name === 'native' || name === 'package' || FILES.includes(name);

/** The module that a file belongs to. */
function moduleOf(file: string): string {
  const [first = '', second = '', ...rest] = file.replace(/^js\//, '').split('/');
  if (first === 'viewer' && rest.length > 0) return `${first}/${second}`;
  return first.replace(/\.m?js$/, '');
}

function importsFrom(file: string): string[] {
  return IMPORTS.get(file) ?? [];
}

/** The files that a file loads, by whatever way, and itself. */
function reachable(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const name of importsFrom(file).filter((name) => FILES.includes(name))) {
    reachable(name, found);
  }
  return found;
}

/** What a file loads, now or later: our files by their paths, `native`, `package`, and names of packages. */
function importsOf(file: string): string[] {
  const found: string[] = [];
  const visit = (node: any) => {
    if (typeof node !== 'object' || node === null) return;
    const { type, source, callee } = node;
    if (/^(Import|Export)/.test(type ?? '') && source) found.push(source.value);
    const isLoad = callee?.type === 'Import' || callee?.value === 'require';
    if (type === 'CallExpression' && isLoad) {
      const { expression } = node.arguments[0];
      if (expression.type === 'StringLiteral') found.push(expression.value);
    }
    Object.values(node).forEach(visit);
  };
  visit(parseSync(readFileSync(join(ROOT, file), 'utf8'), { syntax: 'ecmascript' }));
  return found.map((name) => (name.startsWith('.') ? resolved(file, name) : name));
}

function resolved(file: string, name: string): string {
  const path = relative(ROOT, require.resolve(join(ROOT, file, '..', name)));
  return path === 'native.js' || path === 'package.json' ? path.split('.')[0]! : path;
}
