import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import { destination, run, withDirectory } from './support/run';

const FIXTURE = '__test__/fixtures/masked.mjs';

/** So long an exit timeout that a process which waits for it is not mistaken for a slow one. */
const PATIENT = { EXIT_MS: '40000' };

/** Runs the fixture; gives how it ended, all that arrived, and all of it as text. */
const masked = (mask: string, ending: string, more: Record<string, string> = {}) =>
  played([FIXTURE, mask, ending], more);

/** The same of any program. */
async function played(program: string[], more: Record<string, string> = {}) {
  const collector = await startCollector();
  try {
    const env = { ...destination(collector), ...more };
    const { code, signal, stdout, stderr } = await run(program, env);
    const rows: any[] = collector.rows();
    const text = JSON.stringify(rows) + stdout + stderr;
    return { code, signal, stdout, stderr, rows, text, problems: collector.problems };
  } finally {
    await collector.close();
  }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file).isFile());
}

test('without a masking function the secrets of this suite arrive, in every field', async () => {
  const { rows } = await masked('none', 'flush');
  const tool = rows.find(({ span_attributes }) => span_attributes.name === 'tool:SECRET_tool');
  for (const field of ['input', 'output', 'error', 'metadata', 'span_attributes']) {
    expect(JSON.stringify(tool[field])).toContain('SECRET');
  }
});

test.each(['natural', 'exit', 'flush', 'worker: natural', 'worker: exit'])(
  'every field is masked and every row arrives: %s',
  async (ending) => {
    const { code, stderr, rows, text, problems } = await masked('hides', ending);
    expect({ code, stderr, problems }).toEqual({ code: 0, stderr: '', problems: [] });
    expect(text).not.toContain('SECRET');
    expect(rows).toHaveLength(100);
    for (const { span_attributes, metadata, metrics, error } of rows) {
      expect(span_attributes.name).toContain('hidden');
      expect(JSON.stringify(metadata)).toContain('hidden');
      expect(JSON.stringify(error)).toContain('hidden');
      expect(metrics.end).toBeGreaterThan(0);
    }
  },
);

test('a worker that is terminated delivers what it can no longer mask without content, and reports that', async () => {
  const began = Date.now();
  const { code, stderr, rows, text } = await masked('hides', 'worker: terminate', PATIENT);
  expect(code).toBe(0);
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(text).not.toContain('SECRET');
  expect(rows).toHaveLength(100);
  expect(stderr).not.toContain('lost');
  expect(text.includes('not masked in time')).toBe(stderr.includes('FLUE_BRAINTRUST_CUT'));
});

test.each([
  'throws',
  'throws what is no error',
  'is async',
  'gives promises of a library',
  'gives functions',
  'gives cycles',
  'gives numbers',
  'is no function',
])('where the masking function %s, marks stand in the place of what it was given', async (mask) => {
  const { code, rows, text, problems } = await masked(mask, 'flush');
  expect({ code, problems }).toEqual({ code: 0, problems: [] });
  expect(text).not.toContain('SECRET');
  expect(rows).toHaveLength(100);
  for (const { span_attributes, metrics } of rows) {
    expect(typeof span_attributes.name).toBe('string');
    expect(metrics.end).toBeGreaterThan(0);
  }
});

test('of what was thrown only the class is exported', async () => {
  const { rows } = await masked('throws', 'flush');
  expect(rows[0].span_attributes.name).toBe("ERROR: Failed to mask field 'name' - TypeError");
  expect(rows[0].metadata).toEqual({ error: "ERROR: Failed to mask field 'metadata' - TypeError" });
  expect(rows[0].error).toContain("ERROR: Failed to mask field 'metrics' - TypeError");
});

test.each([
  [
    'throws',
    /^\[flue-braintrust\] FLUE_BRAINTRUST_BAD_MASK: .* fails on `\w+` \(TypeError\); marks/,
  ],
  [
    'is async',
    /^\[flue-braintrust\] FLUE_BRAINTRUST_BAD_MASK: .* fails on `\w+` \(Promise\); marks/,
  ],
  ['is no function', /^\[flue-braintrust\] FLUE_BRAINTRUST_NO_MASK: /],
])('one line states that the masking function %s', async (mask, line) => {
  const { stderr } = await masked(mask, 'flush');
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(line)]);
});

test('a function that fails and a later one that is none have a line each', async () => {
  const { stderr, text } = await masked('throws', 'mistake');
  expect(text).not.toContain('SECRET');
  expect([...stderr.matchAll(/FLUE_BRAINTRUST_(\w+):/g)].map(([, code]) => code)).toEqual([
    'BAD_MASK',
    'NO_MASK',
  ]);
});

test('a field for which nothing is given is left out, but for when the span was', async () => {
  const { rows, text } = await masked('gives nothing', 'flush');
  expect(text).not.toContain('SECRET');
  expect(rows).toHaveLength(100);
  const { input, output, error, metadata, metrics, span_attributes } = rows[0];
  expect({ input, output, error, metadata }).toEqual({});
  expect(Object.keys(metrics).toSorted()).toEqual(['end', 'start']);
  expect(span_attributes.name).toBeUndefined();
});

test('with a spool, what is masked survives a sudden end while the rest waits for the masking function', () =>
  withDirectory(async (directory) => {
    const { signal } = await run(['__test__/fixtures/masked-and-killed.mjs', directory]);
    expect(signal).toBe('SIGKILL');
    const files = readdirSync(directory).filter((name) => name.endsWith('.rows'));
    const texts = files.map((name) => readFileSync(join(directory, name), 'utf8'));
    expect(texts.join('').split('hidden').length - 1).toBeGreaterThanOrEqual(20);
    expect(texts.join('')).not.toContain('secret');
  }));

test.each(['flush', 'exit', 'natural'])(
  'what was recorded before the masking function is removed is masked: %s',
  async (ending) => {
    const { code, stderr, rows } = await played(['__test__/fixtures/mask-removed.mjs', ending]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const inputs = rows.map(({ input }) => input);
    expect(inputs).toHaveLength(22);
    expect(JSON.stringify(inputs)).not.toContain('SECRET');
  },
);

test('what was open when the masking function is removed is masked to its end, and what comes later is not', async () => {
  const { code, stderr, rows } = await played(['__test__/fixtures/mask-removed-open.mjs']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const named = (name: string) =>
    rows.filter(({ span_attributes }) => span_attributes?.name === name);
  expect(named('later SECRET')).toHaveLength(1);
  const others = rows.filter((row) => row !== named('later SECRET')[0]);
  expect(JSON.stringify(others)).not.toContain('SECRET');
  expect(named('workflow:hidden')[0].metadata).toMatchObject({
    'flue.workflow_name': 'hidden',
    'flue.logs': [{ message: 'hidden', attributes: { key: 'hidden' } }],
  });
  expect(named('flue.prompt')[0].metadata.tenant).toBe('hidden');
  // One began under it, one waited for the decision about its trace.
  expect(named('hidden')).toHaveLength(2);
});

test('a masking function may record events itself', async () => {
  const { code, text, rows } = await masked('goes on recording', 'flush');
  expect(code).toBe(0);
  expect(text).not.toContain('SECRET');
  expect(rows).toHaveLength(140);
});

test('a masking function that ends the process ends it: marks stand in the place of what it had', async () => {
  const began = Date.now();
  const { code, text, rows } = await masked('ends the process', 'flush', PATIENT);
  expect(code).toBe(0);
  expect(text).not.toContain('SECRET');
  expect(rows).toHaveLength(100);
  // Nobody waits until the time for the end of the process is up.
  expect(Date.now() - began).toBeLessThan(30_000);
});

const PROGRAM = `
  const { initLogger, flush, setMaskingFunction, stats, traced } = require('flue-braintrust');
  const spans = (count) => {
    for (let n = 0; n < count; n++) traced(() => 'SECRET', { name: 'span', event: { input: 'SECRET' } });
  };
  /** Masks, and takes five milliseconds for a field. */
  const slow = (value) => {
    const end = performance.now() + 5;
    while (performance.now() < end);
    return JSON.parse(JSON.stringify(value).replaceAll('SECRET', 'hidden'));
  };
`;

/** Runs a program with spans and masks; gives how it ended, and the rows that arrived. */
async function program(text: string) {
  const collector = await startCollector();
  try {
    const ended = await run(['-e', PROGRAM + text], destination(collector));
    return { ...ended, rows: collector.rows() as any[] };
  } finally {
    await collector.close();
  }
}

test('at the end of the process a slow masking function masks what there is time for: the rest is delivered without content', async () => {
  const { code, rows, stdout, stderr } = await program(`
    setMaskingFunction(slow);
    initLogger({ exitTimeoutMs: 1500 });
    spans(1000);
    process.on('exit', () => console.log(JSON.stringify(stats())));
    process.exit(0);`);
  expect(code).toBe(0);
  const text = JSON.stringify(rows);
  expect(text).not.toContain('SECRET');
  expect(text).toContain('not masked in time');
  expect(rows.filter(({ metrics }) => !(metrics.end > 0))).toEqual([]);
  const { cut, lost } = JSON.parse(stdout);
  // The rest of the time may be too short to deliver all.
  const { not_delivered_at_exit: late = 0 } = lost;
  expect(rows.length + late).toBeGreaterThanOrEqual(1000);
  // A span that ends when its start is being masked already has two rows.
  expect(cut).toBeGreaterThanOrEqual(rows.filter(({ span_attributes: it }) => !it?.name).length);
  expect(stderr).toContain('FLUE_BRAINTRUST_CUT');
});

test('at the end of the process no field is masked any more once the time for that is over', async () => {
  const { code, rows, stdout } = await program(`
    setMaskingFunction((value) => {
      console.log('called');
      const end = performance.now() + 800;
      while (performance.now() < end);
      return value;
    });
    initLogger({ exitTimeoutMs: 1000 });
    spans(1);
    process.exit(0);`);
  expect(code).toBe(0);
  expect(stdout.split('called').length - 1).toBeLessThanOrEqual(1);
  expect(JSON.stringify(rows)).not.toContain('SECRET');
});

test('a slow masking function leaves the event loop to the application between two rows', async () => {
  const { rows, stdout } = await program(`
    setMaskingFunction(slow);
    initLogger();
    spans(40);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    flush().then(() => {
      clearInterval(timer);
      console.log(turns);
    });`);
  expect(rows).toHaveLength(40);
  expect(Number(stdout)).toBeGreaterThan(20);
});

test.each(['process.exit(0)', 'process.reallyExit(0)'])(
  'a masking function that always calls %s loses no row in silence',
  async (ending) => {
    const { code, rows, stderr } = await program(`
      setMaskingFunction((value) => ${ending});
      initLogger();
      spans(300);
      setInterval(() => {}, 1000);`);
    expect(code).toBe(0);
    expect(JSON.stringify(rows)).not.toContain('SECRET');
    expect(stderr).not.toContain('lost');
    expect(rows).toHaveLength(300);
    expect(stderr.includes('FLUE_BRAINTRUST_CUT')).toBe(ending.includes('really'));
  },
);

test('marks replace what the application makes unreadable after it was masked, and no row waits for it', async () => {
  const { rows, stdout } = await program(`
    const shared = {};
    setMaskingFunction((value) => {
      // The rows take several turns of the event loop.
      slow(value);
      setImmediate(() => (shared.cycle = shared));
      return shared;
    });
    initLogger();
    spans(40);
    flush({ timeoutMs: 60_000 }).then(({ complete }) => console.log(complete));`);
  expect(stdout).toBe('true\n');
  expect(rows).toHaveLength(40);
  expect(JSON.stringify(rows)).toContain('[flue-braintrust: masking failed]');
});

test('what is cut from what a masking function returns is counted', async () => {
  const { stdout } = await program(`
    setMaskingFunction((value) => (value === 'SECRET' ? 'x'.repeat(20 * 1024 * 1024) : value));
    initLogger();
    spans(1);
    flush().then(() => console.log(stats().cut));`);
  expect(stdout).toBe('1\n');
});

test('a member with the name of a class is content: no mark and no line shows it', async () => {
  const { rows, stderr } = await program(`
    setMaskingFunction(() => {
      throw { constructor: { name: 'SECRET' } };
    });
    initLogger();
    spans(1);
    flush();`);
  expect(rows[0].input).toBe("ERROR: Failed to mask field 'input' - object");
  expect(JSON.stringify(rows) + stderr).not.toContain('SECRET');
});

/** One span with a value in each field whose shape the server states, masked. */
async function masksOneSpan(mask: string) {
  const collector = await startCollector();
  try {
    const { stderr } = await run(
      [
        '-e',
        `const { initLogger, flush, setMaskingFunction, traced } = require('flue-braintrust');
        setMaskingFunction(${mask});
        initLogger();
        traced((span) => span.log({ error: 'failed', tags: ['a', 'b'], scores: { good: 0.5 }, metrics: { mine: 3 } }), { name: 'span' });
        flush();`,
      ],
      destination(collector),
    );
    const [row] = collector.rows() as any[];
    return { stderr, row, problems: collector.problems };
  } finally {
    await collector.close();
  }
}

test.each([
  [
    'numbers',
    `(value) => JSON.parse(JSON.stringify(value), (name, v) => typeof v === 'number' ? '***' : v)`,
    ['scores', 'metrics'],
  ],
  [
    'numbers above one',
    `(value) => JSON.parse(JSON.stringify(value), (name, v) => typeof v === 'number' ? 7 : v)`,
    ['scores'],
  ],
  [
    'numbers, by objects,',
    `(value) => JSON.parse(JSON.stringify(value), (name, v) => typeof v === 'number' ? {} : v)`,
    ['scores', 'metrics'],
  ],
  [
    'texts',
    `(value) => JSON.parse(JSON.stringify(value), (name, v) => typeof v === 'string' ? '' : v)`,
    ['tags', 'name'],
  ],
  ['an error', `(value) => (value === 'failed' ? 7 : value)`, ['error']],
])(
  'where the masking function replaces %s as the server does not take it, marks name the fields',
  async (_, mask, fields) => {
    const { row, problems, stderr } = await masksOneSpan(mask);
    expect(problems).toEqual([]);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining(`BAD_MASK: The masking function fails on \`${fields[0]}\``),
    ]);
    const named = `${row.error ?? ''} ${row.span_attributes.name}`.matchAll(/mask field '(\w+)'/g);
    expect(Array.from(named, ([, field]) => field)).toEqual(fields);
    for (const field of fields) expect(row[field]?.mine ?? row[field]?.good).toBeUndefined();
  },
);

test('members that the masking function leaves out, and tags that it makes equal, are not failures', async () => {
  const { row, problems, stderr } = await masksOneSpan(
    `(value) => JSON.parse(JSON.stringify(value), (name, v) => typeof v === 'number' ? null : typeof v === 'string' ? '***' : v)`,
  );
  expect({ problems, stderr }).toEqual({ problems: [], stderr: '' });
  expect(row).toMatchObject({ tags: ['***'], scores: { good: null } });
  expect(Object.keys(row.metrics).toSorted()).toEqual(['end', 'start']);
  expect(row.error).toBe('***');
});

test('half a character that the masking function leaves behind is replaced', async () => {
  const { row, problems, stderr } = await masksOneSpan(
    String.raw`(value) => (value === 'failed' ? '\\ud83d "cut\ud83d' : value)`,
  );
  expect({ problems, stderr }).toEqual({ problems: [], stderr: '' });
  expect(row.error).toBe('\\ud83d "cut\ufffd');
});

test('nothing unmasked is in the spool, and what was masked arrives after SIGKILL', () =>
  withDirectory(async (directory) => {
    // The first process has nobody to send to.
    const nobody = { BRAINTRUST_API_KEY: 'test-key', BRAINTRUST_APP_URL: 'http://127.0.0.1:1' };
    const first = await run([FIXTURE, 'hides', 'kill'], { ...nobody, SPOOL: directory });
    expect(first.signal).toBe('SIGKILL');
    expect(first.stdout + first.stderr).not.toContain('SECRET');
    const files = filesBelow(directory);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(readFileSync(file, 'latin1')).not.toContain('SECRET');

    const collector = await startCollector();
    try {
      const env = { ...destination(collector), BRAINTRUST_API_URL: collector.url };
      // The spool is the destination's: the same application, started again.
      const again = await run([FIXTURE, 'hides', 'natural'], { ...env, SPOOL: directory });
      expect(again).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.stringify(collector.rows())).not.toContain('SECRET');
    } finally {
      await collector.close();
    }
  }));

test('the masking function receives what the one of the braintrust package receives, field by field', () =>
  withDirectory(async (directory) => {
    const journal = join(directory, 'rows.ndjson');
    const [ours, theirs] = [await startCollector({ file: journal }), await startCollector()];
    try {
      const args = ['__test__/fixtures/masked-agent.mjs', ours.url, theirs.url];
      const { code, stdout } = await run(args);
      expect(code).toBe(0);
      const given = JSON.parse(stdout.slice(stdout.indexOf('{"ours"')));

      // Once for each field of each row, with all of it, as it was sent.
      const fields = ['input', 'output', 'metadata', 'context', 'metrics'];
      const lines = readFileSync(journal, 'utf8').trimEnd().split('\n');
      const sent = lines
        .map((line) => JSON.parse(line))
        .flatMap((row) => {
          const values = fields.filter((field) => field in row).map((field) => row[field]);
          const name = row.span_attributes?.name;
          return name === undefined ? values : values.concat([name]);
        });
      expect(texts(given.ours)).toEqual(texts(sent));

      // Only the first two inputs differ, which tell more here: see docs/differences.md.
      const question = [
        { role: 'user', content: [{ type: 'text', text: 'How warm are the orchids?' }] },
      ];
      const contentOf = (collector: typeof ours) =>
        collector.rows().flatMap(({ input, output }: any) => [input, output]);
      const both = contentOf(theirs).filter((value) =>
        texts(contentOf(ours)).includes(JSON.stringify(value)),
      );
      expect(contentOf(theirs).length - both.length).toBe(2);
      expect(contentOf(theirs).filter((value) => !both.includes(value))).toEqual([
        question,
        question,
      ]);
      for (const value of both) {
        expect(given.ours).toContainEqual(value);
        expect(given.theirs).toContainEqual(value);
      }
    } finally {
      await Promise.all([ours.close(), theirs.close()]);
    }
  }));

const texts = (values: unknown[]) => values.map((value) => JSON.stringify(value)).toSorted();
