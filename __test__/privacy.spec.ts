import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { CollectorOptions, InterceptedRequest } from '../tools/collector/types';
import { FORMS, KEYED, KEYED_FORMS, plant, type Form, type Where } from './support/canaries';
import { apiKeys, secretParts } from './support/keys';
import { recordings } from './support/replay';
import { destination, run, withDirectory } from './support/run';

const FIXTURE = '__test__/fixtures/canaries.mjs';

/** Everything recorded of every line of Flue. */
const RECORDINGS = recordings();
/** The events with canaries, as lines, by where and in what form they are. */
const planted = new Map<string, string>();

/** A file with the events of recordings, with canaries. */
function eventsWithCanaries(directory: string, where: Where, form?: Form, name = /^/): string {
  const key = `${where} ${form} ${name}`;
  const text =
    planted.get(key) ??
    RECORDINGS.filter((recording) => name.test(recording.name))
      .flatMap(({ events }) => events.map((event) => JSON.stringify(plant(event, where, form))))
      .join('\n');
  planted.set(key, text);
  const file = join(directory, 'events.ndjson');
  writeFileSync(file, text);
  return file;
}

/** The first places at which a canary is found, with what is around it. */
function found(text: string): string[] {
  const places: string[] = [];
  for (
    let at = text.indexOf('CANARY');
    at >= 0 && places.length < 5;
    at = text.indexOf('CANARY', at + 1)
  ) {
    places.push(text.slice(Math.max(0, at - 120), at + 26));
  }
  return places;
}

/** A process that records, and a server; gives all bytes that came, and the rows that they became. */
async function record(args: string[], env: Record<string, string>, options: CollectorOptions) {
  const bodies: string[] = [];
  const collector = await startCollector({
    ...options,
    intercept: (request: InterceptedRequest) => {
      bodies.push(JSON.stringify(request.headers), request.query, request.body.toString('latin1'));
      return options.intercept?.(request);
    },
  });
  try {
    const ending = await run([FIXTURE, ...args], { ...destination(collector), ...env });
    return { ...ending, rows: collector.rows() as any[], received: bodies.join('\n') };
  } finally {
    await collector.close();
  }
}

const MECHANISMS = [
  ['mask', 'everywhere'],
  ['rules', 'everywhere'],
  ['content', 'in content'],
] as const;

/** Servers that take everything, that want large rows uploaded apart, and that take no large rows at all. */
const SERVERS: Record<string, CollectorOptions> = {
  'takes all': {},
  'wants large rows apart': { intercept: upTo(20_000) },
  'takes no large rows': { intercept: upTo(20_000), payloadMaxBytes: null },
};

function upTo(limit: number) {
  return ({ path, bytes }: InterceptedRequest) =>
    path === '/logs3' && bytes > limit ? { status: 413 } : undefined;
}

test.each(['everywhere', 'in content'] as const)(
  'without a mechanism canaries planted %s arrive in every part of a span',
  (where) =>
    withDirectory(async (directory) => {
      const file = eventsWithCanaries(directory, where);
      const { rows } = await record([file, 'none', 'natural'], {}, {});
      for (const field of ['input', 'output', 'error', 'metadata']) {
        expect(found(JSON.stringify(rows.map((row) => row[field])))).not.toEqual([]);
      }
      const names = rows.map(({ span_attributes }) => span_attributes.name).join(' ');
      expect(found(names).length > 0).toBe(where === 'everywhere');
      const keys = JSON.stringify(rows).match(/"CANARY_\d+_":/g);
      expect(keys?.length).toBeGreaterThan(100);
    }),
);

test.each([
  ['redact: { patterns: [/(?<=x)y/] }', 'redact.patterns[0] cannot be used'],
  ["redact: { builtins: ['mails'] }", 'unknown builtin "mails" in redact.builtins'],
  ["redact: { key: ['password'] }", '`redact.key` is unknown'],
  ['content: { inputs: false }', '`content.inputs` is unknown'],
  ["redact: new Map([['keys', ['password']]])", '`redact` is not a plain object'],
  ['content: new Boolean(false)', '`content` is neither true, false nor a plain object'],
])(
  'rules that cannot be applied start no tracing, and one line says why: %s',
  async (rules, why) => {
    const program = (strict: string) => `
    const { initLogger, braintrustFlueObserver: observe } = require('flue-braintrust');
    ${strict}
    const event = { type: 'run_end', runId: 'run_1', timestamp: new Date().toISOString(), v: 3 };
    initLogger();
    initLogger({ ${rules} });
    observe(event);`;
    const collector = await startCollector();
    try {
      const warned = await run(['-e', program('')], destination(collector));
      expect(warned.code).toBe(0);
      expect(warned.stderr).toContain('FLUE_BRAINTRUST_NOT_STARTED');
      expect(warned.stderr).toContain(why);
      expect(warned.stderr.trim().split('\n')).toHaveLength(1);
      const strict = "process.env.FLUE_BRAINTRUST_STRICT = '1';";
      const thrown = await run(['-e', program(strict)], destination(collector));
      expect(thrown.code).toBe(1);
      expect(thrown.stderr).toContain(why);
      expect(collector.rows()).toEqual([]);
    } finally {
      await collector.close();
    }
  },
);

describe.each(MECHANISMS)('no canary leaves with %s', (mechanism, where) => {
  test.each(Object.keys(SERVERS))('to a server that %s', (server) =>
    withDirectory(async (directory) => {
      const file = eventsWithCanaries(directory, where);
      for (const ending of server === 'takes all' ? ['natural', 'exit'] : ['natural']) {
        const result = await record([file, mechanism, ending], {}, SERVERS[server] ?? {});
        expect(result.code).toBe(0);
        expect(found(result.received)).toEqual([]);
        expect(found(result.stdout + result.stderr)).toEqual([]);
        expect(result.rows.length).toBeGreaterThan(900);
        const isCut = JSON.stringify(result.rows).includes('[flue-braintrust: cut, ');
        expect(isCut).toBe(server === 'takes no large rows' && mechanism !== 'content');
      }
    }),
  );

  test('by way of the spool, nor is one in it, when the process is killed', () =>
    withDirectory(async (directory) => {
      const file = eventsWithCanaries(directory, where);
      const spool = join(directory, 'spool');
      mkdirSync(spool);
      const env = { SPOOL: spool };
      const down = { intercept: () => ({ status: 503 }) };
      const killed = await record([file, mechanism, 'kill'], env, down);
      expect(killed.signal).toBe('SIGKILL');
      expect(found(killed.stdout + killed.stderr + killed.received)).toEqual([]);
      const files = readdirSync(spool, { recursive: true, encoding: 'utf8' })
        .map((name) => join(spool, name))
        .filter((name) => statSync(name).isFile());
      expect(files.length).toBeGreaterThan(3);
      expect(files.some((name) => name.endsWith('.open'))).toBe(true);
      for (const name of files) {
        expect(found(readFileSync(name, 'latin1'))).toEqual([]);
        expect(statSync(name).mode & 0o077).toBe(0);
      }
    }));
});

describe.each(Object.entries(FORMS))('with rules of patterns alone, canaries %s', (_, form) => {
  test('do not leave, in the default form of messages', () =>
    withDirectory(async (directory) => {
      const file = eventsWithCanaries(directory, 'everywhere', form);
      const result = await record([file, 'patterns', 'natural'], {}, {});
      expect(result.code).toBe(0);
      expect(found(result.received)).toEqual([]);
      expect(result.rows.length).toBeGreaterThan(900);
      const texts = result.rows.filter(({ span_attributes }) => span_attributes.type === 'llm');
      const calls = JSON.stringify(texts).match(/"arguments":"(?:[^"\\]|\\.)*"/g) ?? [];
      expect(calls.length).toBeGreaterThan(20);
      for (const call of calls) JSON.parse(JSON.parse(`{${call}}`).arguments);
    }));
});

test.each(Object.entries(KEYED_FORMS))('with a rule by key, canaries %s do not leave', (_, form) =>
  withDirectory(async (directory) => {
    const file = eventsWithCanaries(directory, 'in content', form, /2\.1\.0\/(multi|tool|task)/);
    const sent = await record([file, 'none', 'natural'], {}, {});
    expect(sent.received).toContain(KEYED);
    const result = await record([file, 'keys', 'natural'], {}, {});
    expect(result.code).toBe(0);
    expect(result.received).not.toContain(KEYED);
    expect(result.rows).toHaveLength(sent.rows.length);
  }),
);

test('no part of a key of any provider leaves with the builtin `api-keys`', () =>
  withDirectory(async (directory) => {
    const keys = apiKeys();
    let count = 0;
    const form = () =>
      `${['\n', ' ', '"', '\\'][count % 4]}${keys[(count += 1) % keys.length]?.key}`;
    const file = eventsWithCanaries(directory, 'in content', form, /2\.1\.0\/(multi|tool|task)/);
    expect(count).toBeGreaterThan(keys.length);
    const sent = await record([file, 'none', 'natural'], {}, {});
    const result = await record([file, 'builtins', 'natural'], {}, {});
    const parts = keys.flatMap(secretParts);
    expect(parts.filter((part) => sent.received.includes(part)).length).toBeGreaterThan(1000);
    expect(parts.filter((part) => result.received.includes(part))).toEqual([]);
  }));

describe.each([
  ['rules', 'everywhere'],
  ['content', 'in content'],
] as const)(
  'a backlog of a process without a mechanism, adopted by one with %s',
  (mechanism, where) => {
    test('is sent without a canary', () =>
      withDirectory(async (directory) => {
        const file = eventsWithCanaries(directory, where);
        const [spool, none] = [join(directory, 'spool'), join(directory, 'none.ndjson')];
        mkdirSync(spool);
        writeFileSync(none, '');
        let isDown = true;
        const bodies: string[] = [];
        const collector = await startCollector({
          intercept: ({ body }) => {
            if (isDown) return { status: 503 };
            bodies.push(body.toString('latin1'));
            return undefined;
          },
        });
        const env = { ...destination(collector), SPOOL: spool };
        try {
          const killed = await run([FIXTURE, file, 'none', 'kill'], env);
          expect(killed.signal).toBe('SIGKILL');
          isDown = false;
          const adopted = await run([FIXTURE, none, mechanism, 'natural'], env);
          expect(adopted.code).toBe(0);
          expect(collector.rows().length).toBeGreaterThan(900);
          expect(found(bodies.join('\n'))).toEqual([]);
        } finally {
          await collector.close();
        }
      }));
  },
);
