import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { activities } from './support/activities';
import { faults } from './support/activity-faults';
import { cli } from './support/cli';
import { closedPort } from './support/network';
import { recordings } from './support/replay';
import { NO_LOSS, destination, withDirectory } from './support/run';

const named = (name: string) => {
  const recording = recordings().find((candidate) => candidate.name === name);
  if (recording === undefined) throw new Error(`no recording ${name}`);
  return recording;
};

async function withCollector(use: (collector: Collector) => Promise<void>) {
  const collector = await startCollector();
  try {
    await use(collector);
  } finally {
    await collector.close();
  }
}

test.each([
  '2.1.0/multi-turn-tools-thinking',
  '1.0.0-beta.9/workflow-success',
  '0.8.1/plain-prompt',
])('a recording becomes the trace of what Flue did: %s', async (name) => {
  const { file, events } = named(name);
  await withCollector(async (collector) => {
    const ending = await cli(['replay', file], { env: destination(collector) });
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(ending.stdout).toContain(`${events.length} events read, `);
    expect(ending.stdout).toContain(`sent to Flue at ${collector.url}.\n`);
    expect(faults(activities(events), collector.rows())).toEqual([]);
    expect(collector.problems).toEqual([]);
  });
});

test('a recording without wrappings does, too, and twice the same is the same trace', async () => {
  const { events } = named('2.1.0/plain-prompt');
  await withDirectory(async (directory) => {
    const file = join(directory, 'observations.ndjson');
    writeFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    await withCollector(async (collector) => {
      await cli(['replay', file], { env: destination(collector) });
      const once = collector.rows().length;
      const ending = await cli(['replay', file, '--project', 'Flue'], {
        env: destination(collector),
      });
      expect(ending.code).toBe(0);
      expect(collector.rows()).toHaveLength(once);
    });
  });
});

test('BRAINTRUST_PROJECT_ID decides the project: the report states it, and --project is refused', async () => {
  const { file } = named('2.1.0/plain-prompt');
  await withCollector(async (collector) => {
    const BRAINTRUST_PROJECT_ID = '01234567-89ab-4cde-8f01-23456789abcd';
    const env = { ...destination(collector), BRAINTRUST_PROJECT_ID };
    const refused = await cli(['replay', file, '--project', 'Other'], { env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('unset it, or leave --project out');
    expect(collector.rows()).toEqual([]);
    const ending = await cli(['replay', file], { env });
    expect(ending.stdout).toContain(`sent to ${BRAINTRUST_PROJECT_ID} at ${collector.url}.\n`);
  });
});

test('what sampling leaves out is stated', async () => {
  const { file } = named('2.1.0/plain-prompt');
  await withCollector(async (collector) => {
    const env = { ...destination(collector), FLUE_BRAINTRUST_SAMPLE_RATE: '0' };
    const { stdout } = await cli(['replay', file], { env });
    expect(stdout).toMatch(/, 0 rows sent to .*\n\d+ spans left out by sampling\.\n$/);
    expect(collector.rows()).toEqual([]);
  });
});

test('lines that cannot be read are counted, the rest arrives, and the exit code shows it', async () => {
  const { file, events } = named('2.1.0/plain-prompt');
  await withDirectory(async (directory) => {
    const broken = join(directory, 'broken.ndjson');
    writeFileSync(broken, `{"event":\n${readFileSync(file, 'utf8')}7\n`);
    await withCollector(async (collector) => {
      const ending = await cli(['replay', broken, '--json'], { env: destination(collector) });
      expect(ending.code).toBe(1);
      const outcome = JSON.parse(ending.stdout);
      expect(outcome).toMatchObject({
        events: events.length,
        unreadable: 2,
        firstUnreadable: { line: 1, why: expect.stringContaining('is not JSON') },
        lost: NO_LOSS,
      });
      expect(faults(activities(events), collector.rows())).toEqual([]);
    });
  });
});

test('the file is not read on once rows do not arrive', async () => {
  const { events } = named('2.1.0/plain-prompt');
  await withDirectory(async (directory) => {
    const file = join(directory, 'long.ndjson');
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    writeFileSync(file, text.repeat(Math.ceil(1200 / events.length)));
    const collector = await startCollector({ intercept: () => ({ status: 401 }) });
    try {
      const ending = await cli(['replay', file], { env: destination(collector) });
      expect(ending.code).toBe(1);
      expect(ending.stdout).toMatch(
        /^500 events read, 0 rows sent .*\nThe rest of the file was not read/,
      );
      expect(ending.stdout).toMatch(/^The last error: .*401/m);
    } finally {
      await collector.close();
    }
  });
});

test('a file that is not there, and one without events, are reported', async () => {
  const env = { BRAINTRUST_API_KEY: 'test-key', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' };
  const missing = await cli(['replay', '/none.ndjson'], { env });
  expect(missing.code).toBe(1);
  expect(missing.stderr).toMatch(/^flue-braintrust: \/none.ndjson cannot be read: ENOENT/);
  const empty = await cli(['replay', '/dev/null'], { env });
  expect(empty.code).toBe(1);
  expect(empty.stdout).toMatch(/^0 events read, .*\nThere is no Flue event in \/dev\/null\.\n$/);
});

test.each(['\n', '\r\n'])(
  'a byte order mark costs no event, where lines end with %j and recordings are joined',
  async (newline) => {
    const { events } = named('2.1.0/plain-prompt');
    const text = `\uFEFF${events.map((event) => JSON.stringify(event) + newline).join('')}`;
    await withDirectory(async (directory) => {
      const file = join(directory, 'marked.ndjson');
      writeFileSync(file, text + text);
      await withCollector(async (collector) => {
        const ending = await cli(['replay', file], { env: destination(collector) });
        expect(ending.code).toBe(0);
        expect(ending.stdout).toContain(`${events.length * 2} events read, `);
        expect(faults(activities(events), collector.rows())).toEqual([]);
      });
    });
  },
);

const EVENT = '{"type":"run_start","runId":"run_1","timestamp":"2026-11-28T10:00:00.000Z"}';
const RULE = 'each line must be one whole object';

test.each<[string, string | Buffer, string]>([
  ['compressed', gzipSync(`${EVENT}\n`.repeat(9)), 'line 1 is compressed with gzip: unpack'],
  ['UTF-16', Buffer.from(`\uFEFF${EVENT}\n`, 'utf16le'), 'line 1 is UTF-16: convert the file to'],
  ['UTF-16 without a mark', Buffer.from(EVENT, 'utf16le'), 'line 1 is UTF-16: convert the file to'],
  [
    'UTF-16, big end first',
    Buffer.from(`\uFEFF${EVENT}\n`, 'utf16le').swap16(),
    'line 1 is UTF-16: convert the file to',
  ],
  ['a JSON list', `[${EVENT}]`, `line 1 begins a JSON list: ${RULE}`],
  [
    'an indented JSON list',
    JSON.stringify([JSON.parse(EVENT)], null, 2),
    `line 1 begins a JSON list: ${RULE}`,
  ],
  [
    'an indented object',
    JSON.stringify({ type: 'module' }, null, 2),
    `line 1 is not JSON: ${RULE}`,
  ],
  ['a number', `\n\n{"note":1}\n7`, `line 4 is JSON, but no object: ${RULE}`],
])(
  'of a file that is %s, the first line and the cause are named',
  async (_what, content, cause) => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'recording');
      writeFileSync(file, content);
      await withCollector(async (collector) => {
        const ending = await cli(['replay', file], { env: destination(collector) });
        expect(ending).toMatchObject({ code: 1, stderr: '' });
        expect(ending.stdout).toContain(`There is no Flue event in ${file}.\n`);
        expect(ending.stdout).toMatch(/^\d+ lines? could not be read: line \d/m);
        expect(ending.stdout).toContain(cause);
      });
    });
  },
);

test('an object with a type and without a time is not an event of Flue', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'package.json');
    writeFileSync(file, '{"type":"module"}');
    await withCollector(async (collector) => {
      const ending = await cli(['replay', file], { env: destination(collector) });
      expect(ending.code).toBe(1);
      expect(ending.stdout).toContain(`There is no Flue event in ${file}.\n`);
    });
  });
});

test('a setting that keeps the exporter from its start is a failure', async () => {
  const { file } = named('2.1.0/plain-prompt');
  await withCollector(async (collector) => {
    const env = { ...destination(collector), FLUE_BRAINTRUST_METADATA: '{bad' };
    const ending = await cli(['replay', file], { env });
    expect(ending).toMatchObject({ code: 1, stdout: '' });
    expect(ending.stderr).toContain('FLUE_BRAINTRUST_METADATA');
    expect(ending.stderr).toContain(
      'flue-braintrust: nothing was sent: the exporter did not start',
    );
  });
});

test('without a key there is no trace, and the doctor is pointed at', async () => {
  const { file } = named('2.1.0/plain-prompt');
  const ending = await cli(['replay', file]);
  expect(ending.code).toBe(1);
  expect(ending.stdout).toBe('');
  expect(ending.stderr).toContain(
    'there is no API key: set BRAINTRUST_API_KEY or name a file that has it, with --env-file. `npx',
  );
  expect(ending.stderr).toContain('flue-braintrust doctor');
});

test('--local sends it to the collector of `dev`, whatever the variables say', async () => {
  const { file, events } = named('2.1.0/plain-prompt');
  const elsewhere = `http://127.0.0.1:${await closedPort()}`;
  await withCollector(async (collector) => {
    const env = { BRAINTRUST_API_KEY: 'other', BRAINTRUST_APP_URL: elsewhere };
    const { port } = new URL(collector.url);
    const ending = await cli(['replay', '--local', '--port', port, file], { env });
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(faults(activities(events), collector.rows())).toEqual([]);
  });
});

test('--local takes BRAINTRUST_API_KEY to a collector that needs its token, and names the token if it is missing', async () => {
  const { file, events } = named('2.1.0/plain-prompt');
  const collector = await startCollector({ apiKey: 'the-token' });
  try {
    const args = ['replay', '--local', '--port', new URL(collector.url).port, file];
    const refused = await cli(args, { env: { BRAINTRUST_API_KEY: 'other' } });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('needs the token that `dev` has printed');
    const ending = await cli(args, { env: { BRAINTRUST_API_KEY: 'the-token' } });
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(faults(activities(events), collector.rows())).toEqual([]);
  } finally {
    await collector.close();
  }
});

test.each([
  [['replay'], 'FILE is missing'],
  [['replay', '--local', '--port', 'x', 'f'], '--port must be a number from 1 to 65535, but is x'],
  [['replay', '--port', '80', 'f'], '--port is for --local'],
])('wrong usage %j is reported', async (args, problem) => {
  const ending = await cli(args);
  expect(ending.code).toBe(2);
  expect(ending.stderr).toContain(`flue-braintrust: ${problem}\n\nUsage: flue-braintrust replay`);
});
