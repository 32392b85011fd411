import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { CollectorOptions, InterceptedRequest } from '../tools/collector/types';
import { plant, type Where } from './support/canaries';
import { recordings } from './support/replay';
import { destination, run, withDirectory } from './support/run';

const FIXTURE = '__test__/fixtures/canaries.mjs';

/** Everything recorded of every line of Flue, with canaries. */
function eventsWithCanaries(directory: string, where: Where): string {
  const file = join(directory, 'events.ndjson');
  const events = recordings().flatMap(({ events }) => events);
  writeFileSync(file, events.map((event) => JSON.stringify(plant(event, where))).join('\n'));
  return file;
}

/** The first places at which a canary is found, with what is around it. */
function found(text: string): string[] {
  return Array.from(text.matchAll(/.{0,120}CANARY.{0,20}/g), ([around]) => around).slice(0, 5);
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
  ["redact: { key: ['password'] }", 'unknown field `key`'],
  ['content: { inputs: false }', 'the options are not understood'],
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
