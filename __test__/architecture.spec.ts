import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from '@swc/core';
import { ROOT, run } from './support/run';

/**
 * The module boundaries of the JavaScript: a running application loads `js/`, a developer runs `tools/`. Imports are
 * read from the sources. In the native part, the manifests of the crates are the boundaries.
 */

/** For each module (a folder is one): our modules and the packages that it may load. */
const TABLE: Record<string, string> = {
  index: 'entry not-loaded',
  entry: 'api exporter global-instance node-host package',
  'not-loaded': '',
  register: 'environment index json variables warn',
  testing: 'tools/collector tools/support',

  api: 'context spans',
  exporter:
    'adoption callers capture context destinations diagnostics exit-steps invalid-option json mask-field masking no-destination options ready restored-work routes slug-destinations variables warn',
  destination:
    'context delivery enrichment flue-events json lingering login own-events pending-files sampling slug-destinations warn weak',
  'flue-events': 'capture context json repeated-events root-of-work unbegun-submissions work-keys',
  destinations: 'destination hidden-keys invalid-option json options warn',
  'no-destination': 'no-stats weak',
  'pending-files': 'builtins context json wall-clock warn',
  delivery: 'json sum-stats',
  'root-of-work': 'context json',
  'slug-destinations': 'json sum-stats warn',
  'own-events': 'context held-events json minimal-end-event',
  'held-events': 'builtins timers',
  'work-keys': 'context drop-oldest',
  enrichment: 'application-call builtins drop-oldest json warn',
  sampling: 'application-call builtins drop-oldest json repeated-events warn',
  'repeated-events': 'drop-oldest',
  'unbegun-submissions': 'drop-oldest work-keys',
  'application-call': 'builtins',
  'drop-oldest': '',
  weak: '',
  adoption: 'context receipts wall-clock warn warn-of-call work-keys',
  routes: 'drop-oldest',
  'restored-work': 'json work-keys',
  callers: 'context drop-oldest keyed-callers wall-clock work-keys',
  'keyed-callers': 'context drop-oldest receipts wall-clock',
  receipts: '',
  'node-host':
    'dev-server environment exit loop-end native-loader stats-socket variables vercel warn',
  vercel: 'context timers',
  exit: 'signals',
  'loop-end': '',
  'exit-steps': 'json running-clock warn',
  spans:
    'builtins context drop-oldest json outside-of-request promises receipts slug-destinations span-link wall-clock warn warn-of-call',
  capture:
    'caller-members context drop-oldest event-text json message-usage request-delta routes wall-clock',
  'caller-members': 'event-text json',
  'event-text': 'json minimal-end-event',
  'request-delta': 'conversation-memory flat-snapshot json shared-prefix',
  'minimal-end-event': 'json',
  'message-usage': 'json',
  masking: 'builtins json mask-field running-clock timers',
  'mask-field': 'builtins context json warn',
  diagnostics: 'in-turn timers warn',
  'in-turn': 'builtins',
  ready: 'in-turn json log-level span-link timers warn',
  timers: 'builtins context running-clock',
  'running-clock': 'builtins',
  'log-level': 'variables warn',
  login: 'running-clock timers',
  lingering: 'timers',
  'dev-server': 'variables',
  'native-loader': 'native native-load-error',
  'native-load-error': '',
  builtins: '',
  context: 'builtins promises',
  promises: '',
  environment: 'variables',
  'conversation-memory': 'builtins',
  'flat-snapshot': '',
  json: 'builtins',
  'no-stats': '',
  'sum-stats': 'no-stats',
  'hidden-keys': 'drop-oldest warn',
  'invalid-option': 'hidden-keys json',
  options: 'builtins invalid-option trace-fields',
  'outside-of-request': '',
  'trace-fields': 'invalid-option json variables',
  signals: '',
  'stats-socket': 'builtins json',
  'shared-prefix': '',
  'span-link': '',
  variables: '',
  'global-instance': '',
  'wall-clock': '',
  warn: '',
  'warn-of-call': 'json warn',

  edge: 'api builtins cloudflare:workers context drop-oldest exporter global-instance json no-stats outside-of-request running-clock sum-stats timers variables warn weak',

  'tools/cli': `tools/collector tools/doctor tools/init tools/support exporter json native-loader node-host package stats-socket`,
  'tools/doctor':
    'tools/init tools/support environment json log-level native-loader options package span-link',
  'tools/init': 'tools/support',
  'tools/collector': 'tools/viewer tools/support',
  'tools/viewer': 'tools/support',
  'tools/viewer/page': 'tools/support htm marked preact preact/hooks',
  'tools/support': 'environment hidden-keys json native-loader',
};
const MAY_LOAD = new Map<string, string[]>(
  Object.entries(TABLE).map(([module, names]) => [module, names.match(/\S+/g) ?? []]),
);

/** The entries that only a developer runs. */
const FOR_DEVELOPERS = ['testing.js'];

const FILES = [
  'index.js',
  'index.mjs',
  'register.js',
  'register.mjs',
  ...FOR_DEVELOPERS,
  ...['js', 'tools'].flatMap((house) =>
    readdirSync(join(ROOT, house), { recursive: true })
      .map((name) => join(house, String(name)))
      .filter((name) => /\.m?js$/.test(name) && !name.startsWith('tools/viewer/bundle/')),
  ),
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

test('every mutation of the core changes a text that stands once in its file', async () => {
  const { code, stdout, stderr } = await run(['scripts/mutations.mjs', '--list']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trim().split('\n').length).toBeGreaterThan(60);
});

test('the table allows nothing that no module loads', () => {
  const loaded = (module: string) =>
    FILES.filter((file) => moduleOf(file) === module)
      .flatMap(importsFrom)
      .map((name) => (isOurs(name) ? moduleOf(name) : name));
  const unused = [...MAY_LOAD].flatMap(([module, allowed]) =>
    allowed.filter((name) => !loaded(module).includes(name)).map((name) => `${module}: ${name}`),
  );
  expect(unused).toEqual([]);
});

test('what a running application loads imports nothing that a developer runs', () => {
  const running = FILES.filter(
    (file) => !file.startsWith('tools/') && !FOR_DEVELOPERS.includes(file),
  );
  const crossings = running.flatMap((file) =>
    importsFrom(file)
      .filter((name) => name.startsWith('tools/'))
      .map((name) => `${file} loads ${name}`),
  );
  expect(crossings).toEqual([]);
  const loaded = [...reachable('register.mjs', reachable('index.js'))];
  expect(loaded).toContain('js/native-loader.js');
  expect(loaded.filter((file) => FOR_DEVELOPERS.includes(file))).toEqual([]);
});

test('the package depends on nothing at run time', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(manifest).not.toHaveProperty('dependencies');
  const packages = FILES.filter((file) => !file.startsWith('tools/viewer/page/'))
    .flatMap(importsFrom)
    .filter((name) => !isOurs(name) && !name.startsWith('node:'));
  expect([...new Set(packages)].toSorted()).toEqual(['cloudflare:workers']);
  expect(manifest).not.toHaveProperty('peerDependencies');
});

test('what a running application loads uses its own functions of `JSON`, not those of a mock', () => {
  const own = 'js/json/own-json.js';
  const users = FILES.filter((file) => file.startsWith('js/') && file !== own && usesJson(file));
  expect(users).toContain('js/edge/recorder.mjs');
  expect(users.filter((file) => !importsFrom(file).includes(own))).toEqual([]);
});

test('folders do not import each other in a cycle', () => {
  const folderOf = (file: string) => (FILES.includes(file) ? dirname(file) : undefined);
  const edges = new Map<string, Set<string>>();
  for (const file of FILES) {
    const from = dirname(file);
    for (const to of importsFrom(file).map(folderOf)) {
      if (to === undefined || to === from) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  const circles: string[] = [];
  const visit = (folder: string, path: string[]) => {
    if (path.includes(folder))
      circles.push([...path.slice(path.indexOf(folder)), folder].join(' > '));
    else for (const next of edges.get(folder) ?? []) visit(next, [...path, folder]);
  };
  for (const folder of edges.keys()) visit(folder, []);
  expect(circles).toEqual([]);
});

test.each([
  ['js/edge/index.mjs', 'js/builtins/workerd.mjs', ['async_hooks', 'util']],
  ['js/edge/edge-light.mjs', 'js/builtins/none.mjs', []],
])('%s loads nothing native, and of Node only what the edge has', (entry, builtins, modules) => {
  // The condition under which bundlers resolve the entry leads to these built-ins, too.
  const { imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(Object.values(imports['#builtins'])).toContain(`./${builtins}`);
  const shared = [...reachable(entry)].filter((file) => file !== 'js/builtins/node.js');
  const files = [...shared, builtins];
  expect(files).toContain('js/context.js');
  expect(files.map(moduleOf)).not.toContain('native-loader');
  const ofNode = files.flatMap(importsFrom).filter((name) => name.startsWith('node:'));
  expect([...new Set(ofNode)].toSorted()).toEqual(modules.map((name) => `node:${name}`));
});

const isOurs = (name: string) => name === 'native' || name === 'package' || FILES.includes(name);

/** The module that a file belongs to: a file of `js/`, a folder of `js/`, or a folder of `tools/`. */
function moduleOf(file: string): string {
  if (file.startsWith('tools/')) {
    return file === 'tools/cli.js' ? 'tools/cli' : dirname(file);
  }
  const [first = ''] = file.replace(/^js\//, '').split('/');
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

/** Calls a function with each node of a file's syntax. */
function visitNodes(file: string, see: (node: any) => void) {
  const visit = (node: any) => {
    if (typeof node !== 'object' || node === null) return;
    see(node);
    Object.values(node).forEach(visit);
  };
  visit(parseSync(readFileSync(join(ROOT, file), 'utf8'), { syntax: 'ecmascript' }));
}

/** Whether a file has an expression such as `JSON.parse`. */
function usesJson(file: string): boolean {
  let isUsed = false;
  visitNodes(file, ({ type, object }) => {
    isUsed ||= type === 'MemberExpression' && object.value === 'JSON';
  });
  return isUsed;
}

/** What a file loads, now or later: our files by their paths, `native`, `package`, and names of packages. */
function importsOf(file: string): string[] {
  const found: string[] = [];
  visitNodes(file, ({ type, source, callee, arguments: values }) => {
    if (/^(Import|Export)/.test(type ?? '') && source) found.push(source.value);
    const isLoad = callee?.type === 'Import' || callee?.value === 'require';
    if (type === 'CallExpression' && isLoad) {
      const { expression } = values[0];
      if (expression.type === 'StringLiteral') found.push(expression.value);
    }
  });
  return found.map((name) => {
    if (name === '#builtins') return 'js/builtins/node.js';
    return name.startsWith('.') ? resolved(file, name) : name;
  });
}

function resolved(file: string, name: string): string {
  // It is built, and not committed.
  if (name.endsWith('.wasm')) return file;
  const path = relative(ROOT, require.resolve(join(ROOT, file, '..', name)));
  return path === 'native.js' || path === 'package.json' ? path.split('.')[0]! : path;
}
