/**
 * Compares the redaction of patterns with V8's own `RegExp`, on random patterns and texts. Ends with 1 at a difference.
 *
 *     node scripts/fuzz-patterns.mjs [--pairs 100000] [--seconds 60] [--seed 1] [--record file]
 *
 * `--record` writes the pairs and V8's results for the tests of `crates/redact`. Patterns that the package refuses are
 * counted, not compared.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const BATCH = 10_000;
const TEXTS = 4;

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '100000' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    record: { type: 'string' },
  },
});

let state = BigInt(options.seed) * 0x9e3779b97f4a7c15n + 1n;

/** A random integer below `bound`: xorshift64*. */
function random(bound) {
  state = BigInt.asUintN(64, state ^ (state >> 12n));
  state = BigInt.asUintN(64, state ^ (state << 25n));
  state = BigInt.asUintN(64, state ^ (state >> 27n));
  return Number((BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn) >> 33n) % BigInt(bound));
}

const pick = (list) => list[random(list.length)];
const many = (least, most, make) => Array.from({ length: least + random(most - least + 1) }, make);

/** Characters at which engines differ: case, line terminators, white space, surrogate pairs, word characters. */
const LETTERS = Array.from(
  'aabbcABZkKsSſKßẞµμΜΣσςİıéÉ顧ǆǅǄ01_ -.,:/@#&~<>=!"\'😀𐐀𐐨\n\r\u2028\u2029\t\v\u0085\u00a0\ufeff\u180e',
);
const SETS = ['\\d', '\\D', '\\w', '\\W', '\\s', '\\S'];
const QUANTIFIERS = ['*', '+', '?', '{2}', '{1,2}', '{0,2}', '{2,}', '*?', '+?', '??', '{1,2}?'];
const FLAGS = ['', '', 'i', 'm', 's', 'u', 'v', 'iu', 'im', 'mu', 'iv', 'su', 'ims', 'imsu', 'ims'];
const ESCAPES = [
  '\\n',
  '\\r',
  '\\t',
  '\\v',
  '\\f',
  '\\0',
  '\\x41',
  '\\u0041',
  '\\u017f',
  '\\cA',
  '\\/',
  '\\.',
  '\\-',
];
const ODD = [
  '\\A',
  '\\z',
  '\\<',
  '\\>',
  '\\h',
  '\\e',
  '{',
  '}',
  ']',
  '{,2}',
  '\\_',
  '\\ ',
  '\\u{61}',
  '\\ud83d',
];
const CLASS_ODD = ['&&', '~~', '--', '+--', '[', '[a]', '\\b', '^', '[:alpha:]', '\\]', '|', '('];

const literal = () => {
  const letter = pick(LETTERS);
  return '^$\\.*+?()[]{}|/'.includes(letter) ? `\\${letter}` : letter;
};

function classMember() {
  const kind = random(10);
  if (kind < 4) return pick(LETTERS);
  if (kind < 6)
    return pick(['a-c', 'A-Z', '0-9', 'a-z', ' -~', 'K-ſ', '\\n-\\r', '😀-😂', 'α-ω', '+--']);
  if (kind < 8) return pick(SETS);
  return kind < 9 ? pick(ESCAPES) : pick(CLASS_ODD);
}

function atom(depth) {
  const kind = random(depth > 3 ? 7 : 10);
  if (kind < 3) return literal();
  if (kind < 4) return pick(['.', ...SETS]);
  if (kind < 5) return random(4) > 0 ? pick(ESCAPES) : pick(ODD);
  if (kind < 7) return `[${random(3) === 0 ? '^' : ''}${many(0, 3, classMember).join('')}]`;
  const open = pick(['(', '(?:', '(?<x>', '(?:', '(?=', '(?<!']);
  return `${random(8) > 0 && open.length > 3 ? '(' : open}${alternatives(depth + 1)})`;
}

function term(depth) {
  if (random(7) === 0) return pick(['^', '$', '\\b', '\\B']);
  return atom(depth) + (random(3) === 0 ? pick(QUANTIFIERS) : '');
}

const alternatives = (depth) =>
  many(1, depth > 2 ? 1 : 2, () => many(depth === 0 ? 1 : 0, 4, () => term(depth)).join('')).join(
    '|',
  );

/** A text, half of whose characters are those of the pattern. Without a backslash: escapes in quotes are decoded. */
function text(source) {
  const own = Array.from(source).filter((character) => character !== '\\');
  if (own.length === 0) own.push(' ');
  return many(0, 14, () => pick(random(2) === 0 ? own : LETTERS)).join('');
}

/** A pattern; half of them are short, so that many match. */
const expression = () => (random(2) === 0 ? many(1, 3, () => term(3)).join('') : alternatives(0));

/** The text with all matches that are not empty replaced; half a character becomes the whole. */
function replaced(pattern, subject) {
  const isHidden = Array.from(subject.split(''), () => false);
  const starts = new Set();
  for (const match of subject.matchAll(pattern)) {
    if (match[0] === '') continue;
    starts.add(match.index);
    isHidden.fill(true, match.index, match.index + match[0].length);
  }
  let result = '';
  let isOpen = false;
  for (let at = 0; at < subject.length;) {
    const length = subject.codePointAt(at) > 0xffff ? 2 : 1;
    const isMatch = isHidden[at] || isHidden[at + length - 1];
    // A character that two matches share belongs to the first.
    const begins = starts.has(at) || (length === 2 && starts.has(at + 1) && !isHidden[at]);
    if (isMatch && (!isOpen || begins)) result += '§';
    if (!isMatch) result += subject.slice(at, at + length);
    isOpen = isMatch;
    at += length;
  }
  return result;
}

/** Pairs of a pattern that V8 accepts and a text, with V8's result. */
function cases(count) {
  const list = [];
  while (list.length < count) {
    const [source, flags] = [expression(), pick(FLAGS)];
    let pattern;
    try {
      pattern = new RegExp(source, `${flags}g`);
    } catch {
      continue;
    }
    for (let index = 0; index < TEXTS; index += 1) {
      const subject = text(source);
      list.push({
        source: pattern.source,
        flags,
        text: subject,
        expected: replaced(pattern, subject),
      });
    }
  }
  return list;
}

/** What the package makes of the same pairs. */
function answers(list) {
  const args = [
    'run',
    '--quiet',
    '--target',
    'host-tuple',
    '-p',
    'redact',
    '--example',
    'pattern_matches',
  ];
  const input = list.map((one) => JSON.stringify(one)).join('\n');
  const { stdout, status } = spawnSync('cargo', args, {
    cwd: root,
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('The example pattern_matches failed.');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const deadline = options.seconds ? Date.now() + Number(options.seconds) * 1000 : Infinity;
const goal = options.seconds ? Infinity : Number(options.pairs);
let compared = 0;
let refused = 0;
const differences = [];
while (compared < goal && Date.now() < deadline && differences.length === 0) {
  const list = cases(Math.min(BATCH, goal - compared + TEXTS));
  if (options.record) {
    writeFileSync(options.record, `${list.map((one) => JSON.stringify(one)).join('\n')}\n`);
    break;
  }
  for (const [index, answer] of answers(list).entries()) {
    if (answer === null) refused += 1;
    else compared += 1;
    if (answer !== null && answer !== list[index].expected)
      differences.push({ ...list[index], answer });
  }
}
for (const difference of differences.slice(0, 20)) console.error(JSON.stringify(difference));
console.log(`${compared} pairs compared, ${refused} refused, ${differences.length} different.`);
process.exitCode = differences.length > 0 ? 1 : 0;
