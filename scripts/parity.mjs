/**
 * Plays the live scenarios of every line of Flue through `braintrust` and through this package, and
 * shows everything in which their spans differ. Each difference is explained by a rule, described in
 * docs/differences.md; ends with 1 when one is not, or when something could not be compared.
 *
 *     npm run parity:run -- [line…] [--details] [--json]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare } from './parity/compare.mjs';
import { lines } from './parity/lines.mjs';
import {
  detailList,
  differenceTable,
  lineTable,
  painter,
  ruleTable,
  unexplainedList,
} from './parity/report.mjs';
import { ruleOf, rules } from './parity/rules.mjs';
import { record, scenariosOf } from './parity/run.mjs';
import { spansOf } from './parity/spans.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { details: { type: 'boolean' }, json: { type: 'boolean' } },
});
const unknown = positionals.filter((line) => !lines.includes(line));
if (unknown.length > 0) {
  console.error(`There is no line ${unknown.join(', ')}; there are ${lines.join(', ')}.`);
  process.exit(2);
}

const chosen = lines.filter((line) => positionals.length === 0 || positionals.includes(line));
const played = [];
const faults = undocumented().map((id) => `docs/differences.md does not explain ${id}.`);
for (const line of chosen) await playLine(line);
progress('');

const differences = played.flatMap(({ differences }) => differences);
const isExplained = differences.every(({ rule }) => rule);
if (options.json) printJson();
else print();
process.exitCode = isExplained && faults.length === 0 && played.length > 0 ? 0 : 1;

async function playLine(line) {
  try {
    for (const scenario of await scenariosOf(line)) await playScenario(line, scenario);
  } catch (error) {
    faults.push(
      `${error.message}\nIs it installed? \`node scripts/setup.mjs --tests\` installs it.`,
    );
  }
}

/** Both exporters at once, each in a process and with a collector of its own. */
async function playScenario(line, scenario) {
  progress(`${line} ${scenario}`);
  const [official, ours] = await Promise.all([
    record(line, scenario, 'official'),
    record(line, scenario, 'ours'),
  ]);
  for (const [name, recording] of Object.entries({ official, ours })) {
    for (const fault of recording.faults) faults.push(`${line} ${scenario}, ${name}: ${fault}`);
  }
  // What Braintrust's conventions forbid is a fault of ours, and for the official exporter a fact.
  for (const problem of ours.problems) faults.push(`${line} ${scenario}, ours: ${problem}`);
  const found = compare(spansOf(official), spansOf(ours)).map((difference) => {
    const placed = Object.assign({ line, scenario }, difference);
    return Object.assign(placed, { rule: ruleOf(placed) });
  });
  const spans = { official: official.rows.length, ours: ours.rows.length };
  const problems = { official: official.problems.length, ours: ours.problems.length };
  played.push({ line, scenario, spans, problems, differences: found });
}

function print() {
  const paint = painter({ colour: Boolean(process.stdout.isTTY) && !process.env.NO_COLOR });
  const ordered = inOrderOfRules(differences);
  const parts = [
    options.details ? detailList(ordered, paint) : differenceTable(ordered, paint),
    ruleTable(differences, rules, paint),
    lineTable(played, paint),
    unexplainedList(differences, paint),
    faults.map((fault) => paint('red', `✗ ${fault}`)).join('\n'),
  ];
  console.log(parts.filter(Boolean).join('\n\n'));
  if (isExplained) console.log('\nThe rules are explained in docs/differences.md.');
}

/** Those of one rule together, the unexplained ones last. */
function inOrderOfRules(differences) {
  const place = ({ rule }) => (rule ? rules.findIndex(({ id }) => id === rule.id) : rules.length);
  return differences.toSorted((a, b) => place(a) - place(b));
}

/** Rules without a heading of their own, to which a reader could be sent. */
function undocumented() {
  const text = readFileSync(new URL('../docs/differences.md', import.meta.url), 'utf8');
  const headings = new Set(Array.from(text.matchAll(/^### (\S+)$/gm), ([, id]) => id));
  return [...new Set(rules.map(({ id }) => id))].filter((id) => !headings.has(id));
}

function printJson() {
  const shown = differences.map(({ spans: _spans, rule, ...difference }) =>
    Object.assign(difference, { rule: rule?.id ?? null }),
  );
  const scenarios = played.map(({ differences, ...run }) =>
    Object.assign(run, { differences: differences.length }),
  );
  console.log(JSON.stringify({ scenarios, differences: shown, faults }, null, 2));
}

/** What is being played, on a terminal only; gone when the result is printed. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text && `playing ${text} …`}`);
}
