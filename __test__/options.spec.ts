import { close, initLogger } from '..';
import { pickOptions, unknownOptions } from '../js/options';
import { onWarning } from '../js/warn';
import { closedPort } from './support/network';

// A member with this name is what a promise has.
const THEN = ['the', 'n'].join('');
const NO_PATTERNS = '`redact.patterns` is not a list of strings and regular expressions';

test.each<[string, unknown, string]>([
  ['apiKey', 5, '`apiKey` is not a string'],
  ['projectName', 5, '`projectName` is not a string'],
  ['exitTimeoutMs', '2s', '`exitTimeoutMs` is not a number'],
  ['maxQueueBytes', '64MB', '`maxQueueBytes` is not a number'],
  ['sampleRate', '0.5', '`sampleRate` is not a number'],
  ['messages', 1, '`messages` is not a string'],
  ['turnInput', 3, '`turnInput` is not a string'],
  [
    'content',
    { constructor: 1 },
    '`content.constructor` is unknown; known: input, output, systemPrompt, tools, reasoning, errors',
  ],
  ['keepErrors', 'true', '`keepErrors` is not a boolean'],
  ['sample', 0.5, '`sample` is not a function'],
  ['enrich', 'user', '`enrich` is not a function'],
  ['content', 'no', '`content` is neither true, false nor a plain object'],
  ['content', [], '`content` is neither true, false nor a plain object'],
  ['content', { reasoning: 'no' }, '`content.reasoning` is not a boolean'],
  ['redact', true, '`redact` is not a plain object'],
  ['redact', { keys: 'token' }, '`redact.keys` is not a list of strings'],
  ['redact', { paths: [3] }, '`redact.paths` is not a list of strings'],
  ['redact', { patterns: ['a', 3] }, NO_PATTERNS],
  ['redact', { patterns: [[/a/]] }, NO_PATTERNS],
  ['redact', { patterns: [{ source: 'a' }] }, NO_PATTERNS],
  ['redact', { patterns: Object.assign(Array(2), { 1: /a/ }) }, NO_PATTERNS],
  ['redact', { keys: Array(1) }, '`redact.keys` is not a list of strings'],
  ['redact', { replacement: 3 }, '`redact.replacement` is not a string'],
  ['spool', '/var/spool', '`spool` is neither true, false nor a plain object'],
  ['spool', { maxBytes: '1GB' }, '`spool.maxBytes` is not a number'],
  [
    'spool',
    { directory: '/var/spool' },
    '`spool.directory` is unknown; known: dir, maxBytes, maxAgeMs, fsync',
  ],
])('an option of the wrong type is named: %s: %p', (name, value, message) => {
  expect(() => pickOptions({ [name]: value })).toThrow(new TypeError(message));
});

class Rules {
  get patterns() {
    return [/SECRET/];
  }

  merge() {}
}

/** Has its rules where they cannot be read. */
class Hidden {
  #patterns = [/SECRET/];

  all() {
    return this.#patterns;
  }
}

test('settings may be inherited, or getters of a class', () => {
  const redact = { patterns: [{ source: 'SECRET', flags: '' }] };
  for (const value of [new Rules(), Object.create({ patterns: [/SECRET/] })]) {
    expect(pickOptions({ redact: value })).toEqual({ redact });
  }
  expect(pickOptions({ content: Object.create({ input: false }) })).toEqual({
    content: { input: false },
  });
  const options = Object.create({ redact: new Rules(), tag: 't' });
  expect(pickOptions(options)).toEqual({ redact });
  expect(unknownOptions(options)).toEqual(['tag']);
  const unknown = new (class {
    get pattern() {
      return [/SECRET/];
    }
  })();
  expect(() => pickOptions({ redact: unknown as object })).toThrow('`redact.pattern` is unknown');
});

test.each<[string, unknown]>([
  ['a regular expression', /SECRET/],
  ['a map', new Map([['patterns', [/SECRET/]]])],
  ['a set', new Set([/SECRET/])],
  ['a date', new Date()],
  ['a promise', Promise.resolve({ patterns: [/SECRET/] })],
  ['an object like a promise', Object.fromEntries([[THEN, () => {}]])],
  ['a boxed value', Object(false)],
  ['a list', [/SECRET/]],
  ['an error', new Error('SECRET')],
  ['a function', () => ({ patterns: [/SECRET/] })],
  ['an object whose content is private', new Hidden()],
])('%s is refused where settings are expected', (_, value) => {
  for (const name of ['redact', 'content', 'spool']) {
    expect(() => pickOptions({ [name]: value })).toThrow(`\`${name}\` is n`);
  }
  expect(() => pickOptions(value as object)).toThrow(
    'the options of `initLogger` are not a plain object',
  );
  expect(unknownOptions(value as object)).toEqual([]);
});

test('`undefined` and `null` stand for the default of every option', () => {
  const names = ['apiKey', 'exitTimeoutMs', 'keepErrors', 'sample', 'content', 'redact', 'tags'];
  for (const value of [undefined, null]) {
    expect(pickOptions(Object.fromEntries(names.map((name) => [name, value])))).toEqual({});
    const members = { spool: { dir: value }, redact: { keys: value, other: value } };
    expect(pickOptions(members as object)).toEqual({ spool: {}, redact: {} });
  }
});

test('an option that there is not is named, and the logger works', async () => {
  const warnings: { code: string; message: string }[] = [];
  onWarning((warning) => warnings.push(warning));
  const appUrl = `http://127.0.0.1:${await closedPort()}`;
  const options = { apiKey: 'k', appUrl, projctName: 'p' };
  initLogger(options);
  initLogger({ ...options, tags: ['t'] })
    .startSpan()
    .end();
  await close({ timeoutMs: 0 });
  expect(warnings).toEqual([
    {
      code: 'FLUE_BRAINTRUST_BAD_OPTION',
      message: '`initLogger` has no option `projctName`; it is ignored.',
    },
  ]);
});

test('all options that there are not are named at once, once, as far as a line has room', () => {
  const warnings: { code: string; message: string }[] = [];
  onWarning((warning) => warnings.push(warning));
  const none = { apiKey: '' };
  initLogger({ ...none, exitTimeoutMS: 1, projetName: 'p' } as object);
  initLogger({ ...none, projetName: 'p', exitTimeoutMS: 1 } as object);
  initLogger({
    ...none,
    ...Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`o${n}`, n])),
  });
  const messages = warnings.filter(({ code }) => code.endsWith('BAD_OPTION'));
  expect(messages.map(({ message }) => message)).toEqual([
    '`initLogger` has no options `exitTimeoutMS`, `projetName`; they are ignored.',
    '`initLogger` has no options `o0`, `o1`, `o2`, `o3`, `o4`, `o5`, `o6`, `o7` and 2 more; they are ignored.',
  ]);
});

test('the name of an option that there is not cannot break the line', () => {
  const messages: string[] = [];
  onWarning(({ message }) => messages.push(message));
  initLogger({ apiKey: '', ['a\n[flue-braintrust] b\u001b[2J']: 1 } as object);
  expect(messages).toContain(
    '`initLogger` has no option `a [flue-braintrust] b [2J`; it is ignored.',
  );
});

const fails = () => {
  throw new Error('SECRET');
};
const failing = (name: string) => Object.defineProperty({}, name, { get: fails, enumerable: true });

test.each<[string, object]>([
  ['redact', failing('redact')],
  ['redact.keys', { redact: failing('keys') }],
  ['redact.patterns', { redact: { patterns: [failing('source')] } }],
  ['spool.dir', { spool: failing('dir') }],
  ['content', { content: new Proxy({}, { ownKeys: fails }) }],
  ['sampleRate', failing('sampleRate')],
  ['tags', failing('tags')],
  ['metadata', failing('metadata')],
  ['environment', { environment: failing('name') }],
  ['release', { release: { toString: fails } }],
  ['setCurrent', failing('setCurrent')],
  ['onError', failing('onError')],
  ['enrich', failing('enrich')],
  ['storage', failing('storage')],
  ['options', new Proxy({}, { ownKeys: fails })],
])('of what the option `%s` throws when it is read only the class is printed', (name, options) => {
  const messages: string[] = [];
  onWarning(({ message }) => messages.push(message));
  // Other settings are invalid, too, so that nothing starts.
  const target = Object.defineProperties(options, {
    appUrl: { value: 'SECRET', enumerable: true },
  });
  initLogger(name === 'options' ? options : target);
  expect(messages).toEqual([
    `\`${name}\` cannot be read (Error); the application runs on without tracing.`,
  ]);
});

test('an option without a value, and those of the braintrust package, are not named', () => {
  const theirs = { asyncFlush: true, forceLogin: false, fetch, noExitFlush: true, state: {} };
  const unset = { projctName: undefined };
  expect(unknownOptions({ ...theirs, ...unset, disableSpanCache: true })).toEqual([]);
  expect(unknownOptions(null)).toEqual([]);
});

test('half a character at the end of a name that was cut is replaced', async () => {
  const unpaired = 'cut\ud83d';
  const url = `http://127.0.0.1:${await closedPort()}`;
  const warnings: string[] = [];
  onWarning(({ code }) => warnings.push(code));
  initLogger({ apiKey: 'key', appUrl: url, projectName: unpaired, tags: [unpaired] });
  await close({ timeoutMs: 0 });
  expect(warnings).toEqual([]);
});
