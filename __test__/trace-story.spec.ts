import { findRecoveries } from '../tools/support/attempts';
import { findFailures } from '../tools/support/failures';
import { buildTrace } from '../tools/collector/trace';
import { describeOutcome } from '../tools/viewer/attempts';
import { summarizeTrace } from '../tools/viewer/summaries';
import { listSpans } from '../tools/viewer/span-lists';
import { describeTurn } from '../tools/viewer/turns';
import type { Row } from '../tools/collector/types';
import { part } from './support/flue-traces';
import { type Sent, row, spanId } from './support/spans';

/** What the spans of a trace tell together: attempts, failures, and what is new in a turn. */

const EPOCH = 1_800_000_000;
const traceOf = (...spans: Sent[]) => buildTrace('t', spans.map(row) as unknown as Row[]);
const storyOf = (...spans: Sent[]) => describeOutcome(listSpans(traceOf(...spans)).summaries);
const recoveriesOf = (...spans: Sent[]) => findRecoveries(listSpans(traceOf(...spans)).summaries);

const root = (fields: object = {}): Sent => ({
  n: 0,
  name: 'flue.prompt',
  start: 0,
  end: 40,
  metadata: { 'flue.operation': 'prompt', 'flue.operation_id': 'op_2', ...fields },
});
const cut = { 'flue.operation_id': 'op_1', 'flue.interrupted': true };
const numbered = { 'flue.attempt': 2, 'flue.max_attempts': 10 };

/** An attempt that dies in a tool, and one that finishes. */
const CRASH = [
  root(numbered),
  part(1, 'op_1', 'llm:tide-1', 0),
  part(2, 'op_1', 'tool:weigh_cargo', 1, { end: 3.2, metadata: cut }),
  part(3, 'op_2', 'llm:tide-1', 36),
];

describe('attempts', () => {
  test('the story names where an attempt died, the pause, and how the last one ended', () => {
    const [recovery] = recoveriesOf(...CRASH);
    expect(recovery!.story).toBe(
      'attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 finished',
    );
    expect(recovery!.attempts).toEqual([
      {
        number: 1,
        start: EPOCH,
        end: EPOCH + 3.2,
        state: 'died',
        where: 'weigh_cargo',
        pause: expect.closeTo(32.8, 3),
      },
      {
        number: 2,
        start: EPOCH + 36,
        end: EPOCH + 40,
        state: 'finished',
        where: null,
        pause: null,
      },
    ]);
    expect(storyOf(...CRASH)).toBe(recovery!.story);
  });

  const open = { end: undefined };
  const aborted = { metadata: { 'flue.operation_id': 'op_1', 'flue.cancelled': true } };
  const error = 'Overloaded: no room';
  test.each<[string, Sent[], string | null]>([
    [
      'an open span of an earlier attempt has died, though nothing says so',
      [root(numbered), part(1, 'op_1', 'llm:m', 0, open), part(2, 'op_2', 'llm:m', 30)],
      'attempt 1 died in llm:m; 30.0 s later attempt 2 of 10 finished',
    ],
    [
      'a stop in good order is no death',
      [root(numbered), part(1, 'op_1', 'llm:m', 0, aborted), part(2, 'op_2', 'llm:m', 30)],
      'attempt 1 was stopped in llm:m; 29.0 s later attempt 2 of 10 finished',
    ],
    [
      'an attempt between two spans died nowhere in particular',
      [root(numbered), part(1, 'op_1', 'llm:m', 0), part(2, 'op_2', 'llm:m', 30)],
      'attempt 1 died; 29.0 s later attempt 2 of 10 finished',
    ],
    [
      'a span that only the next attempt closed says nothing of when it died',
      [
        root(numbered),
        part(1, 'op_1', 'llm:m', 0),
        part(2, 'op_1', 'tool:a', 1.2, { end: 35.99, metadata: cut }),
        part(3, 'op_2', 'llm:m', 36),
      ],
      'attempt 1 died in a; 34.8 s later attempt 2 of 10 finished',
    ],
    [
      'the last attempt may fail',
      [{ ...root(numbered), error }, ...CRASH.slice(1)],
      'attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 failed',
    ],
    [
      'the last attempt may run',
      [{ ...root(numbered), end: undefined }, ...CRASH.slice(1)],
      'attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 is running',
    ],
    [
      'attempts without a number are counted',
      [root(), ...CRASH.slice(1)],
      'attempt 1 died in weigh_cargo; 32.8 s later attempt 2 finished',
    ],
    [
      'an attempt may leave no span',
      [root(numbered), part(3, 'op_2', 'llm:m', 36)],
      'an attempt left no span; attempt 2 of 10 finished',
    ],
    [
      'who gives up after one attempt tells it',
      [
        root({ 'flue.attempt': 1, 'flue.max_attempts': 10, 'flue.interrupted': true }),
        part(1, 'op_1', 'tool:a', 1, { metadata: cut }),
      ],
      'attempt 1 of 10 died in a',
    ],
    [
      'without attempts the span is named',
      [root({ 'flue.interrupted': true }), part(1, 'op_1', 'tool:a', 1, { metadata: cut })],
      'flue.prompt died in a',
    ],
    [
      'one interrupted span is named',
      [root(), part(1, 'op_2', 'tool:a', 1, { metadata: { 'flue.interrupted': true } })],
      'tool:a was interrupted',
    ],
    ['what went well has no story', [root(), part(1, 'op_2', 'llm:m', 1)], null],
    [
      'operations one after the other are no attempts',
      [root(), part(1, 'op_1', 'llm:m', 0), part(2, 'op_2', 'llm:m', 30)],
      null,
    ],
    [
      'a shell command of the application is no attempt',
      [root(), part(1, 'op_2', 'llm:m', 0), part(2, 'op_s', 'tool:bash', 5, { metadata: cut })],
      'tool:bash was interrupted',
    ],
    [
      'operations within are not counted as attempts',
      [
        root(),
        { ...root({ 'flue.operation_id': 'op_1', 'flue.interrupted': true }), n: 1, parent: 0 },
        part(2, 'op_2', 'llm:m', 30),
      ],
      'flue.prompt was interrupted',
    ],
  ])('%s', (_name, spans, story) => {
    expect(storyOf(...spans)).toBe(story);
  });

  test('many attempts have a short story', () => {
    const attempts = Array.from({ length: 7 }, (_, i) =>
      part(i + 1, `op_${i}`, `llm:m${i}`, i * 10, i < 6 ? { end: undefined } : {}),
    );
    expect(storyOf(root(), ...attempts)).toBe(
      'attempt 1 died in llm:m0; 10.0 s later attempt 2 died in llm:m1; 4 more did not finish; ' +
        '10.0 s later attempt 7 finished',
    );
  });

  test('an open span that a later attempt left behind does not run', () => {
    const spans = [root(numbered), part(1, 'op_1', 'llm:m', 0, open), part(2, 'op_2', 'llm:m', 30)];
    const [recovery] = recoveriesOf(...spans);
    expect([...recovery!.lost]).toEqual(['row-1-1']);
    expect(traceOf(...spans)).toMatchObject({ openSpans: 0 });
  });

  test('an open span that began before the end of what it is part of does not run', () => {
    const run = { 'flue.run_id': 'r' };
    const ended = { ...run, 'flue.interrupted': false };
    const prompt = { ...run, 'flue.operation': 'prompt', 'flue.operation_id': 'op_1' };
    const spans: Sent[] = [
      { n: 0, name: 'workflow:load', start: 0, end: 30, metadata: ended },
      { n: 1, parent: 0, name: 'flue.prompt', start: 1, metadata: prompt },
      { ...part(2, 'op_1', 'tool:weigh', 2, open), parent: 1 },
      // What the application does in that tool.
      { n: 6, parent: 2, name: 'weigh', start: 2, end: 3 },
      { n: 7, parent: 6, name: 'read the scale', start: 2 },
      // Of a process that has begun after that end.
      { ...part(3, 'op_3', 'tool:pack', 31, open), metadata: run },
      // What the application does may go on for longer than what began it.
      { n: 4, parent: 0, name: 'upload', start: 3 },
      { n: 5, parent: 0, name: 'flue.prompt', start: 4, metadata: { 'flue.run_id': 'other' } },
    ];
    const trace = traceOf(...spans);
    expect(trace.spans.filter(({ lost }) => lost).map(({ name }) => name)).toEqual([
      'flue.prompt',
      'tool:weigh',
      'read the scale',
    ]);
    expect(trace).toMatchObject({ finished: false, openSpans: 3 });
    expect(traceOf(...spans.slice(0, 5))).toMatchObject({ finished: true, openSpans: 0 });
  });

  const lostIn = (...spans: Sent[]) =>
    traceOf(...spans).spans.flatMap(({ lost, name }) => (lost ? [name] : []));
  const delivered = { 'flue.submission_id': 's' };

  test.each([undefined, false])(
    'the end of a span that may still be on its way is waited for (flue.interrupted: %s)',
    (interrupted) => {
      const metadata = { ...delivered, 'flue.interrupted': interrupted };
      const spans = [root(metadata), part(2, 'op_2', 'llm:m', 39, { end: undefined })];
      spans[1]!.metadata = { ...delivered, 'flue.operation_id': 'op_2' };
      expect(traceOf(...spans)).toMatchObject({ finished: false, openSpans: 1 });
      expect(lostIn(...spans)).toEqual([]);
      // Another process has ended it.
      spans[1]!.metadata = { ...delivered, 'flue.operation_id': 'op_1' };
      expect(lostIn(...spans)).toEqual(interrupted === undefined ? [] : ['llm:m']);
    },
  );

  test('a span of the application around one that died is lost with it', () => {
    const run = { 'flue.run_id': 'r' };
    const spans: Sent[] = [
      {
        n: 0,
        name: 'workflow:w',
        start: 0,
        end: 30,
        metadata: { ...run, 'flue.interrupted': false },
      },
      { n: 1, parent: 0, name: 'my step', start: 1 },
      { n: 2, parent: 1, name: 'flue.prompt', start: 1, metadata: run },
      { n: 3, parent: 0, name: 'upload', start: 2 },
    ];
    expect(lostIn(...spans)).toEqual(['my step', 'flue.prompt']);
    // As long as something runs in it, it runs, too.
    const resumed = { n: 4, parent: 1, name: 'flue.prompt', start: 31, metadata: run };
    expect(lostIn(...spans, resumed)).toEqual(['flue.prompt']);
  });

  test('a span that began in the millisecond in which a later process ended what is around it is lost', () => {
    const given = { ...delivered, 'flue.interrupted': true, 'flue.submission_outcome': 'failed' };
    const open = part(1, 'op_2', 'tool:a', 40, { end: undefined });
    open.metadata = { ...delivered, 'flue.operation_id': 'op_2' };
    expect(lostIn(root(given), open)).toEqual(['tool:a']);
    expect(storyOf(root(given), open)).toBe('flue.prompt died in a');
  });

  test.each<[string, Sent[]]>([
    [
      'between two turns of the later attempt',
      [
        { ...root({ 'flue.interrupted': true }), end: 3 },
        part(1, 'op_1', 'llm:a', 1, { end: 3, metadata: cut }),
        part(2, 'op_2', 'llm:m', 36, { end: 37 }),
      ],
    ],
    [
      'when the earlier attempt is found dead late',
      [
        { ...root({ 'flue.interrupted': true }), end: 50 },
        part(1, 'op_1', 'llm:a', 1, { end: 50, metadata: cut }),
        part(2, 'op_2', 'llm:m', 36, { end: undefined }),
      ],
    ],
  ])('trace and story agree that a later attempt runs, %s', (_name, spans) => {
    const trace = traceOf(...spans);
    expect(trace).toMatchObject({ finished: false, openSpans: 1 });
    expect(lostIn(...spans)).toEqual([]);
    expect(summarizeTrace(trace).running).toBe(true);
    expect(storyOf(...spans)).toMatch(
      /^attempt 1 died in llm:a; \d+\.\d s later attempt 2 is running$/,
    );
  });

  test('a delegated task runs again as soon as a later attempt does something in it', () => {
    const spans = [
      { ...root(), end: undefined },
      part(1, 'op_1', 'llm:m', 0),
      part(2, 'op_1', 'task:botanist', 1, open),
      { ...part(3, 'op_a', 'llm:m', 2, open), parent: 2 },
      part(4, 'op_2', 'llm:m', 36),
      { ...part(5, 'op_b', 'llm:m', 37, open), parent: 2 },
    ];
    const lostOf = (all: Sent[]) =>
      traceOf(...all).spans.flatMap(({ lost, name, start }) =>
        lost ? [[name, start! - EPOCH]] : [],
      );
    expect(lostOf(spans.slice(0, 5))).toEqual([
      ['task:botanist', 1],
      ['llm:m', 2],
    ]);
    expect(lostOf(spans)).toEqual([['llm:m', 2]]);
  });

  test('an attempt runs that began after its root was found interrupted', () => {
    const spans = [
      { ...root({ 'flue.interrupted': true }), end: 2 },
      part(1, 'op_1', 'llm:m', 0, { end: 2, metadata: cut }),
      part(2, 'op_2', 'llm:m', 36, open),
    ];
    expect(storyOf(...spans)).toBe('attempt 1 died in llm:m; 34.0 s later attempt 2 is running');
  });

  test('a root that a later attempt has ended is finished, even if the earlier one is found dead after that', () => {
    const spans = [
      { ...root({ 'flue.interrupted': true }), end: 2, metrics: { duration_ms: 1000 } },
      part(1, 'op_1', 'llm:m', 0, { end: 2, metadata: cut }),
      part(2, 'op_2', 'llm:m', 36, { end: 37 }),
    ];
    expect(traceOf(...spans)).toMatchObject({ finished: true, openSpans: 0 });
    expect(storyOf(...spans)).toBe('attempt 1 died in llm:m; 34.0 s later attempt 2 finished');
  });

  test('an attempt that dies after an earlier one was stopped has died, and was not stopped', () => {
    const stopped = { ...numbered, 'flue.interrupted': true, 'flue.cancelled': true };
    const spans = [
      { ...root(stopped), end: 37, metrics: { duration_ms: 1000 } },
      part(1, 'op_1', 'llm:m', 0, { end: 1 }),
      part(2, 'op_2', 'llm:m', 36, { end: 37, metadata: { ...cut, 'flue.operation_id': 'op_2' } }),
    ];
    expect(storyOf(...spans)).toMatch(/attempt 2 of 10 died in llm:m$/);
  });

  test('a delegated task that is resumed has attempts, too', () => {
    const below = (n: number, operation: string, start: number, rest = {}) => ({
      ...part(n, operation, 'llm:m', start, rest),
      parent: 1,
    });
    const task = { n: 1, parent: 0, name: 'task:botanist', start: 0, end: 39 };
    const spans = [root(), task, below(2, 'op_a', 1, { end: undefined }), below(3, 'op_b', 30)];
    expect(recoveriesOf(...spans).map(({ rowId, story }) => [rowId, story])).toEqual([
      ['row-1-1', 'attempt 1 died in llm:m; 29.0 s later attempt 2 finished'],
    ]);
  });

  test('a delegated task whose operation is repeated has attempts, too', () => {
    const operation = (n: number, start: number, interrupted: boolean): Sent => ({
      n,
      parent: 1,
      name: 'flue.prompt',
      start,
      end: start + 1,
      metadata: { 'flue.operation': 'prompt', 'flue.interrupted': interrupted },
    });
    const task = { n: 1, parent: 0, name: 'task:botanist', start: 0, end: 39 };
    const found = recoveriesOf(root(), task, operation(2, 1, true), operation(3, 30, false));
    expect(found.map(({ story }) => story)).toEqual([
      'attempt 1 died in flue.prompt; 28.0 s later attempt 2 finished',
    ]);
    expect(recoveriesOf(root(), task, operation(2, 1, false), operation(3, 30, false))).toEqual([]);
  });

  test('what a later attempt did within a resumed task belongs to that attempt', () => {
    const below = (n: number, operation: string, start: number, rest = {}) => ({
      ...part(n, operation, 'llm:m', start, rest),
      parent: 2,
    });
    const [recovery] = recoveriesOf(
      root(numbered),
      part(1, 'op_1', 'llm:m', 0),
      part(2, 'op_1', 'task:botanist', 1, { end: 33 }),
      below(3, 'op_a', 2, { metadata: { ...cut, 'flue.operation_id': 'op_a' } }),
      below(4, 'op_b', 31),
      part(5, 'op_2', 'llm:m', 35),
    );
    expect(recovery!.story).toBe('attempt 1 died in llm:m; 28.0 s later attempt 2 of 10 finished');
    expect(recovery!.attempts[1]!.start).toBe(EPOCH + 31);
  });

  test.each([
    null,
    'text',
    [],
    { 'flue.attempt': '2', 'flue.operation_id': 7 },
    { 'flue.attempt': -1, 'flue.max_attempts': 1.5 },
    { 'flue.attempt': Number.MAX_SAFE_INTEGER, 'flue.operation_id': '' },
  ])('odd metadata does no harm: %j', (metadata) => {
    const span = { name: 'x', start: 0, metadata };
    const spans = [
      { n: 0, ...span },
      { n: 1, parent: 0, ...span },
      { n: 2, parent: 0, ...span, metrics: null },
    ];
    expect(traceOf(...spans)).toMatchObject({ openSpans: 3 });
    expect(() => storyOf(...spans)).not.toThrow();
  });

  test('nothing known of no spans', () => {
    expect(findRecoveries([])).toEqual([]);
    expect(describeOutcome([])).toBeNull();
  });
});

describe('failures', () => {
  test('a failure in a child and its parents is one; others count of their own', () => {
    const error = 'no';
    const spans: Sent[] = [
      { n: 0, name: 'root', start: 0, error },
      { n: 1, parent: 0, name: 'a', start: 1 },
      { n: 2, parent: 1, name: 'b', start: 2, error },
      { n: 3, parent: 0, name: 'c', start: 3, error: 'another' },
      { n: 4, parent: 0, name: 'd', start: 4 },
    ];
    expect(findFailures(listSpans(traceOf(...spans)).summaries).map(({ name }) => name)).toEqual([
      'b',
      'c',
    ]);
    expect(findFailures(listSpans(traceOf(spans[0]!)).summaries).length).toBe(1);
  });

  test('in any tree, those are counted that have no failure below them', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    for (let round = 0; round < 200; round += 1) {
      const spans: { depth: number; error: string | null }[] = [];
      for (let i = 0; i < 1 + random(30); i += 1) {
        const depth = i === 0 ? 0 : random(spans[i - 1]!.depth + 2);
        spans.push({ depth, error: random(3) === 0 ? 'no' : null });
      }
      const expected = spans.filter(({ depth, error }, at) => {
        const end = spans.findIndex((other, i) => i > at && other.depth <= depth);
        const below = spans.slice(at + 1, end === -1 ? undefined : end);
        return error !== null && below.every((other) => other.error === null);
      });
      expect(findFailures(spans)).toEqual(expected);
    }
  });
});

describe('what is new in a turn', () => {
  const user = (content: string) => ({ role: 'user', content });
  const assistant = (content: string) => ({ role: 'assistant', content });
  const SYSTEM = { role: 'system', content: 'Be brief.' };
  const tool = (name: string, description = '') => ({
    type: 'function',
    function: { name, description },
  });
  const turn = (
    n: number,
    input: unknown,
    rest: { metadata?: object; metrics?: object } = {},
  ): Sent => ({
    n,
    parent: 0,
    name: 'llm:m',
    type: 'llm',
    start: n,
    end: n + 0.5,
    input,
    ...rest,
  });
  /** The last of some turns, beside the one before it. */
  const last = (...turns: Sent[]) => {
    const trace = traceOf(root(), ...turns);
    const span = trace.spans.find(({ spanId: id }) => id === spanId(turns.at(-1)!.n))!;
    return describeTurn(trace, span);
  };
  const BEFORE = [SYSTEM, user('a'), assistant('b')];

  test('an input that begins with the previous one has only new messages after it', () => {
    expect(last(turn(1, BEFORE), turn(2, [...BEFORE, user('c')]))).toEqual({
      number: 2,
      of: 2,
      leftOut: 0,
      previous: {
        traceId: 't',
        spanId: spanId(1),
        number: 1,
        end: EPOCH + 1.5,
        cachedTokens: null,
      },
      unchanged: 3,
      changes: [],
      costs: null,
    });
  });

  test.each<[object, number | null]>([
    [{}, null],
    [{ prompt_cached_tokens: 0 }, 0],
    [{ prompt_cached_tokens: 2, prompt_cache_creation_tokens: 3 }, 5],
    [{ prompt_cached_tokens: 2, prompt_cache_creation_5m_tokens: 3 }, 5],
    [{ prompt_cache_creation_5m_tokens: 3, prompt_cache_creation_1h_tokens: 4 }, 7],
    [{ prompt_cache_creation_tokens: 7, prompt_cache_creation_1h_tokens: 4 }, 7],
  ])('of a turn with %j, %j tokens are in the cache', (metrics, cachedTokens) => {
    const found = last(turn(1, BEFORE, { metrics }), turn(2, [...BEFORE, user('c')]));
    expect(found!.previous).toMatchObject({ cachedTokens });
  });

  test('the first turn of a conversation continues none, and other spans are not turns', () => {
    expect(last(turn(1, BEFORE))).toMatchObject({ previous: null, unchanged: 0, number: 1 });
    const ids = (id: string) => ({ metadata: { 'flue.conversation_id': id } });
    const other = last(turn(1, BEFORE, ids('a')), turn(2, [...BEFORE, user('c')], ids('b')));
    expect(other).toMatchObject({ previous: null, number: 1, of: 1 });
    expect(last({ ...turn(1, BEFORE), type: 'tool' })).toBeNull();
  });

  test('turns of two conversations at once are kept apart', () => {
    const ids = (id: string) => ({ metadata: { 'flue.conversation_id': id } });
    const found = last(
      turn(1, BEFORE, ids('a')),
      turn(2, [SYSTEM, user('x')], ids('b')),
      turn(3, [...BEFORE, user('c')], ids('a')),
    );
    expect(found).toMatchObject({ number: 2, of: 2, unchanged: 3, previous: { number: 1 } });
    // Without metadata, the turn whose input it continues.
    const guessed = last(
      turn(1, BEFORE),
      turn(2, [SYSTEM, user('x')]),
      turn(3, [...BEFORE, user('c')]),
    );
    expect(guessed).toMatchObject({ unchanged: 3, changes: [], previous: { spanId: spanId(1) } });
  });

  test('a conversation that began in another trace is continued', () => {
    const ids = (id: string) => ({ metadata: { 'flue.conversation_id': id } });
    const earlier = buildTrace(
      'e',
      [
        turn(1, BEFORE.slice(0, 2), ids('a')),
        turn(2, BEFORE, ids('a')),
        turn(9, BEFORE, ids('a')),
      ].map(row) as unknown as Row[],
    );
    const another = buildTrace('o', [turn(3, BEFORE, ids('b'))].map(row) as unknown as Row[]);
    const trace = traceOf(turn(5, [...BEFORE, user('c')], ids('a')));
    const others = () => [trace, another, earlier];
    expect(describeTurn(trace, trace.spans[0]!, others)).toMatchObject({
      number: 1,
      previous: { traceId: 'e', spanId: spanId(2), number: 2 },
      unchanged: 3,
      changes: [],
    });
  });

  const tools = (...list: unknown[]) => ({ metadata: { tools: list, model: 'm' } });
  test.each<[string, Sent, Sent, number, unknown[]]>([
    [
      'the system prompt',
      turn(1, BEFORE),
      turn(2, [{ ...SYSTEM, content: 'Be long.' }, ...BEFORE.slice(1), user('c')]),
      0,
      [{ what: 'system' }],
    ],
    [
      'an old message',
      turn(1, BEFORE),
      turn(2, [SYSTEM, user('a'), assistant('B'), user('c')]),
      2,
      [{ what: 'message', number: 2, role: 'assistant' }],
    ],
    [
      'messages that are gone',
      turn(1, BEFORE),
      turn(2, [SYSTEM, user('a')]),
      2,
      [{ what: 'removed', number: 2 }],
    ],
    [
      'tools that are added, removed and changed',
      turn(1, BEFORE, tools(tool('x'), tool('y'))),
      turn(2, BEFORE, tools(tool('y', 'other'), tool('z'))),
      3,
      [{ what: 'tools', added: ['z'], removed: ['x'], altered: ['y'] }],
    ],
    [
      'the order of the tools',
      turn(1, BEFORE, tools(tool('x'), tool('y'))),
      turn(2, BEFORE, tools(tool('y'), tool('x'))),
      3,
      [{ what: 'tools', added: [], removed: [], altered: [] }],
    ],
    [
      'the model',
      turn(1, BEFORE, { metadata: { model: 'a' } }),
      turn(2, BEFORE, { metadata: { model: 'b' } }),
      3,
      [{ what: 'model', from: 'a', to: 'b' }],
    ],
  ])('it names what the cache breaks at: %s', (_name, before, now, unchanged, changes) => {
    expect(last(before, now)).toMatchObject({ unchanged, changes });
  });

  describe('the cost by kind', () => {
    const PRICES = [3e-6, 3e-7, 3.75e-6, 15e-6];
    /** A turn with tokens of each kind: fresh, from the cache, into the cache, output. */
    const priced = (n: number, counts: number[], rest: object = {}) => {
      const [fresh = 0, cached = 0, written = 0, output = 0] = counts;
      const metrics = {
        prompt_tokens: fresh + cached + written,
        prompt_cached_tokens: cached,
        prompt_cache_creation_tokens: written,
        completion_tokens: output,
        estimated_cost: counts.reduce((sum, count, i) => sum + count * PRICES[i]!, 0),
      };
      return turn(n, BEFORE, { metrics, metadata: { model: 'm' }, ...rest });
    };
    const TURNS = [
      [100, 0, 900, 50],
      [20, 1000, 80, 10],
      [5, 1080, 300, 140],
      [60, 1380, 20, 30],
      [7, 1400, 700, 90],
    ].map((counts, i) => priced(i + 1, counts));

    test('follows from the turns of a model', () => {
      const { costs } = last(...TURNS)!;
      expect(costs).toEqual({
        input: expect.closeTo(7 * 3e-6, 9),
        cached: expect.closeTo(1400 * 3e-7, 9),
        written: expect.closeTo(700 * 3.75e-6, 9),
        output: expect.closeTo(90 * 15e-6, 9),
        turns: 5,
      });
      const plain = [
        [10, 0, 0, 5],
        [20, 0, 0, 7],
        [30, 0, 0, 40],
      ].map((c, i) => priced(i + 1, c));
      expect(last(...plain)!.costs).toMatchObject({ input: expect.closeTo(9e-5, 9), cached: 0 });
    });

    test.each<[string, Sent[]]>([
      ['too few turns', TURNS.slice(0, 4)],
      ['turns that are all alike', TURNS.map((_, i) => priced(i + 1, [1, 2, 3, 4]))],
      [
        'another model',
        [...TURNS.slice(0, 4), priced(9, [1, 2, 3, 4], { metadata: { model: 'x' } })],
      ],
      [
        'costs by other rules',
        [...TURNS, priced(9, [1, 2, 3, 4], { metrics: { prompt_tokens: 9, estimated_cost: 1 } })],
      ],
      ['no cost', [...TURNS, turn(9, BEFORE, { metadata: { model: 'm' } })]],
      ['costs of nothing', TURNS.map((_, i) => priced(i + 1, [0, 0, 0, 0]))],
    ])('is not guessed: %s', (_name, turns) => {
      const costs = last(...turns)!.costs;
      expect(
        costs === null ||
          Object.values(costs)
            .slice(0, 4)
            .every((cost) => cost === 0),
      ).toBe(true);
    });
  });

  test('a compaction explains a history that begins anew', () => {
    const compaction = { n: 2, parent: 0, name: 'compaction:threshold', start: 2, end: 3 };
    const found = last(turn(1, BEFORE), compaction, turn(4, [SYSTEM, user('summary')]));
    expect(found).toMatchObject({ changes: [{ what: 'compaction', spanId: spanId(2) }] });
  });

  test('messages that an input leaves out are counted as unchanged', () => {
    const note = {
      role: 'system',
      content: '[flue-braintrust: earlier messages left out: 2; the input of span 1 has them]',
    };
    const mode = (offset: number) => ({
      metadata: { 'flue.input_mode': 'delta', 'flue.input_message_offset': offset },
    });
    const second = turn(2, [SYSTEM, note, user('c')], mode(2));
    expect(last(turn(1, BEFORE), second)).toMatchObject({ leftOut: 2, unchanged: 2, changes: [] });
    const third = turn(3, [SYSTEM, note, assistant('d'), user('e')], mode(3));
    expect(last(turn(1, BEFORE), second, third)).toMatchObject({
      leftOut: 3,
      unchanged: 2,
      changes: [],
      previous: { number: 2 },
    });
  });

  test.each<[string, unknown, unknown, number]>([
    [
      "Flue's form",
      { systemPrompt: 's', messages: [user('a')] },
      { systemPrompt: 's', messages: [user('a'), user('b')] },
      2,
    ],
    [
      "Anthropic's form",
      { system: [{ type: 'text', text: 's' }], messages: [user('a')] },
      { system: [{ type: 'text', text: 's' }], messages: [user('a'), user('b')] },
      2,
    ],
    [
      "Gemini's form",
      { contents: [{ role: 'user', parts: [{ text: 'a' }] }] },
      {
        contents: [
          { role: 'user', parts: [{ text: 'a' }] },
          { role: 'model', parts: [] },
        ],
      },
      1,
    ],
    [
      'the Responses API',
      { instructions: 's', input: [user('a')] },
      { instructions: 's', input: [user('a'), { type: 'function_call' }] },
      2,
    ],
    ['a text', 'a', 'a', 1],
  ])('it reads %s', (_name, before, now, unchanged) => {
    expect(last(turn(1, before), turn(2, now))).toMatchObject({ unchanged, changes: [] });
  });

  test.each([null, undefined, 7, [], {}, [null], [[]], { messages: 'x' }, [{ role: 7 }]])(
    'odd inputs do no harm: %j',
    (input) => {
      expect(last(turn(1, input), turn(2, input))).toMatchObject({ number: 2 });
      expect(last(turn(1, BEFORE), turn(2, input))).toMatchObject({ number: 2 });
    },
  );
});
