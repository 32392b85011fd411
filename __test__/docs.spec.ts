import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { READ } from '../tools/doctor/unknown-variables';
import { tracingModule } from '../tools/init/modules';
import { ROOT } from './support/run';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const types = read('index.d.ts');

/** What the first group of a pattern finds, each once. */
const found = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? '')),
];

/** The text of files of ours, without their tests. */
const sources = (...patterns: string[]) =>
  globSync(patterns, { cwd: ROOT })
    .filter((file) => !file.includes('tests') && !/viewer.(page|bundle)/.test(file))
    .map(read)
    .join('\n');

/** The members that an exported interface has of its own. */
function members(name: string) {
  const body = new RegExp(`^export interface ${name}\\b.*?\\{$(.*?)^\\}$`, 'ms').exec(types)?.[1];
  return found(body ?? '', /^ {2}(?:readonly )?(\w+)\??:/gm);
}

/** Those of the names that the page does not have as code. */
const missing = (page: string, names: string[], from: number) => {
  // A pattern that matches no name would report none as missing.
  expect(names.length).toBeGreaterThanOrEqual(from);
  const text = read(page);
  return names.filter((name) => !text.includes(`\`${name}\``));
};

test('every option is in the configuration reference', () => {
  const nested = ['content', 'redact', 'spool'].flatMap((option) => {
    const name = `${option[0]?.toUpperCase()}${option.slice(1)}Options`;
    return members(name).map((member) => `${option}.${member}`);
  });
  const options = [...members('InitLoggerOptions'), ...nested, ...members('FlushOptions')];
  expect(options).toEqual(expect.arrayContaining(['apiKey', 'state', 'spool.dir', 'timeoutMs']));
  expect(missing('docs/configuration.md', options, 45)).toEqual([]);
});

test('every builtin rule is in the configuration reference', () => {
  const builtins = found(sources('crates/redact/src/builtin.rs'), /\bname: "([a-z-]+)"/g);
  expect(missing('docs/configuration.md', builtins, 7)).toEqual([]);
});

test('every variable of the environment that is read is in the configuration reference', () => {
  const native = sources('crates/export/src/config/**/*.rs');
  const scripts = sources('*.mjs', '{js,tools}/**/*.{js,mjs}');
  const codes = found(sources('crates/export/src/diagnostics.rs'), /"(FLUE_BRAINTRUST_[A-Z_]+)"/g);
  const named = [
    ...found(native, /"([A-Z][A-Z0-9]*_[A-Z0-9_]+)"/g),
    ...found(scripts, /process\.env\??\.([A-Z_]+)/g),
    ...found(scripts, /\bvariables\(\)\.([A-Z_]+)/g),
    ...found(scripts, /'((?:FLUE_)?BRAINTRUST_[A-Z_]+)'/g),
  ];
  // Codes of warnings are named like them.
  const variables = [...new Set(named)].filter((name) => !codes.includes(name));
  const some = ['BRAINTRUST_API_KEY', 'FLUE_BRAINTRUST_STRICT', 'NODE_EXTRA_CA_CERTS', 'NO_COLOR'];
  expect(variables).toEqual(expect.arrayContaining(some));
  expect(missing('docs/configuration.md', variables, 22)).toEqual([]);
  const ours = variables.filter((name) => /^(FLUE_)?BRAINTRUST_/.test(name));
  expect(ours.filter((name) => !READ.includes(name))).toEqual([]);
});

test('every code of a warning has a section with an example in the troubleshooting guide', () => {
  const codes = [
    ...found(sources('crates/export/src/diagnostics.rs'), /"FLUE_BRAINTRUST_([A-Z_]+)"/g),
    ...found(sources('*.mjs', '{js,tools}/**/*.{js,mjs}'), /\bwarn\(\s*'([A-Z_]+)'/g),
  ];
  expect(codes).toEqual(
    expect.arrayContaining(['CERTIFICATES', 'LOST', 'NO_MASK', 'UNREGISTERED']),
  );
  const text = read('docs/troubleshooting.md');
  const undocumented = codes
    .map((code) => `FLUE_BRAINTRUST_${code}`)
    .filter((code) => !text.includes(`### ${code}\n\n\`\`\`\n[flue-braintrust] ${code}: `));
  expect(undocumented).toEqual([]);
});

test('every reason of a loss and every number of stats() is in the page on delivery', () => {
  const reasons = found(sources('crates/export/src/loss.rs'), /=> "([a-z_]+)"/g);
  const declared = /^export type LossReason =(.*?);$/ms.exec(types)?.[1] ?? '';
  const all = [...new Set([...reasons, ...found(declared, /'([a-z_]+)'/g)])];
  expect(missing('docs/delivery.md', all, 11)).toEqual([]);
  const numbers = ['Accounts', 'Stats', 'FlushReport'].flatMap(members);
  expect(missing('docs/delivery.md', numbers, 13)).toEqual([]);
});

test('every metadata member and every metric that a span may have is in the page on what is traced', () => {
  const text = read('docs/traced.md');
  const rules = sources('crates/translate/src/**/*.rs');
  const set = found(rules, /\.set_(?:metadata|metric)\(\s*"([\w.]+)"/g);
  const ids = found(rules, /\("(flue\.\w+)", /g);
  const names = [...new Set([...set, ...ids])];
  expect(names.length).toBeGreaterThanOrEqual(45);
  const isListed = (name: string) =>
    ['', 'metadata.', 'metrics.'].some((field) => text.includes(`\`${field}${name}\``));
  expect(names.filter((name) => !isListed(name))).toEqual([]);
});

test('the blueprint is of the form that Flue reads, and its module is what `init` writes', () => {
  const blueprint = read('docs/blueprints/tooling--flue-braintrust.md');
  const [, frontmatter = ''] = /^---\n(.*?)\n---\n/s.exec(blueprint) ?? [];
  const { kind, version } = JSON.parse(frontmatter);
  const marker = `// flue-blueprint: ${kind}/flue-braintrust@${version}\n`;
  expect(blueprint).toContain(
    `\`\`\`ts title="src/braintrust.ts"\n${marker}${tracingModule('2.x')}\`\`\``,
  );

  const upgrades = found(blueprint, /^### Version (\d+) — \d{4}-\d\d-\d\d$/gm).map(Number);
  expect(upgrades).toEqual(Array.from({ length: version }, (_, index) => index + 1));
  expect(found(blueprint, /^## (.+)$/gm).at(-1)).toBe('Upgrade Guide');
});

describe('the table of exports', () => {
  const page = read('docs/differences.md');
  const [here = '', notHere = ''] = (page.split('\n### Here, too\n')[1] ?? '').split(
    '\n### Not here\n',
  );
  /** The names in the first column of a table. */
  const names = (section: string) =>
    section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => found(line.split(' | ')[0] ?? '', /`(\w+)`/g));

  test('names each export of the braintrust package once, and nothing else', async () => {
    const official = Object.keys(await import('braintrust'));
    const named = [...names(here), ...names(notHere)];
    // An import as a module has the whole as a default.
    const expected = new Set([...official, 'default'].filter((name) => name !== 'module.exports'));
    expect(named.toSorted()).toEqual([...expected].toSorted());
  });

  test('says that this package has what it exports, and has not what it does not', async () => {
    const own = Object.keys(await import('../index.js'));
    // A type here.
    const shared = names(here).filter((name) => name !== 'Logger');
    expect(shared.filter((name) => !own.includes(name))).toEqual([]);
    expect(names(notHere).filter((name) => own.includes(name) && name !== 'default')).toEqual([]);
    expect(shared.length).toBeGreaterThan(20);
  });
});
