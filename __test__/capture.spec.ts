import { startCollector } from '../tools/collector';
import { Capture, kindsOf } from '../js/capture';
import { minimalSpanEnd } from '../js/minimal-end-event';
import { loadNative } from '../js/native-loader';
import { RequestDeltas } from '../js/request-delta';
import { UnbegunSubmissions } from '../js/unbegun-submissions';
import { braintrustFlueObserver, close, flush, initLogger, type InitLoggerOptions } from '..';
import { NO_LOSS, PATIENT } from './support/run';

/** A small generator of repeatable chance. */
function chance(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const kinds = kindsOf(loadNative());

/** The kind of an event that matters. */
function kindOf({ type }: { type?: unknown }) {
  const kind = kinds.get(type);
  if (kind === undefined) throw new Error(`Events of type ${type} do not matter.`);
  return kind;
}

type Message = Record<string, any>;

/** Long texts of them are written in another way than short ones. */
const WORDS = [
  'tide ',
  'the "tide"\nturns\t',
  'C:\\udder \\ud834 ',
  '⚓️ 𝄞 \ud834',
  'nul \0',
  '\u0001\u2028',
  'flue-braintrust: a long text',
];

function message(pick: (below: number) => number): Message {
  const word = WORDS[pick(WORDS.length)] as string;
  const text = `${word.repeat(pick(5) * (pick(4) === 0 ? 500 : 1))}${pick(1000)}`;
  const parts: Message[] = [
    { type: 'text', text },
    { type: 'thinking', thinking: text, ...(pick(2) === 0 && { thinkingSignature: 's' }) },
    { type: 'toolCall', id: `c${pick(9)}`, name: 'look', arguments: { at: [pick(3), { text }] } },
    { type: 'image', data: '[image data omitted from event]', mimeType: 'image/png' },
    { type: 'surprise', text, more: { nested: pick(3) } },
    { type: 'toolCall', id: 'c1', name: 'look', arguments: { at: undefined, [`to${pick(2)}`]: 1 } },
  ];
  const content = Array.from({ length: 1 + pick(3) }, () => parts[pick(parts.length)] as Message);
  switch (pick(4)) {
    case 0:
      return { role: 'user', content: text };
    case 1:
      return { role: 'user', content };
    case 2:
      return { role: 'assistant', content, ...(pick(4) === 0 && { extra: pick(2) }) };
    default:
      return {
        role: 'toolResult',
        toolCallId: 'c1',
        toolName: 'look',
        content,
        isError: pick(2) === 0,
      };
  }
}

/** What may happen to a history between two turns; mostly it grows. */
function edited(history: Message[], pick: (below: number) => number): Message[] {
  const at = pick(history.length + 1);
  const ofOne = (edit: (old: Message) => Message) =>
    history.map((old, n) => (n === at ? edit(old) : old));
  switch (pick(12)) {
    case 0:
      return history.slice(at);
    case 1:
      return history.slice(0, at);
    case 2:
      return history.toSpliced(at, 1, message(pick));
    case 3:
      return ofOne((old) => ({ ...old, isError: pick(3) === 0 ? undefined : pick(2) === 0 }));
    case 4:
      return ofOne((old) =>
        Array.isArray(old.content) ? { ...old, content: old.content.slice(1) } : old,
      );
    case 5:
      // One that Flue's types do not have, instead of one that they have or besides.
      return ofOne(({ isError, ...old }) => ({ ...old, ...(pick(2) && { isError }), later: 1 }));
    case 6:
      return ofOne((old) =>
        Array.isArray(old.content)
          ? { ...old, content: old.content.map((part) => ({ ...part, later: pick(2) })) }
          : old,
      );
    default:
      return [...history, ...Array.from({ length: 1 + pick(3) }, () => message(pick))];
  }
}

/** The requests of several conversations whose histories grow and are edited. */
function script(seed: number) {
  const pick = chance(seed);
  const histories = new Map<string, Message[]>();
  return Array.from({ length: 30 }, (_, turn) => {
    const conversationId = `conv_${seed}_${pick(3)}`;
    const messages = edited(histories.get(conversationId) ?? [], pick);
    histories.set(conversationId, messages);
    return {
      v: 3,
      type: 'turn_request',
      turnId: `turn_${seed}_${turn}`,
      operationId: `op_${conversationId}`,
      submissionId: `sub_${conversationId}`,
      conversationId,
      purpose: pick(12) === 0 ? 'compaction' : 'agent',
      timestamp: new Date(1_795_417_364_000 + turn * 1000).toISOString(),
      request: {
        requestedModel: 'm',
        input: {
          ...(pick(8) > 0 && { systemPrompt: `prompt ${pick(2)}` }),
          messages,
          ...(pick(8) > 0 && {
            tools: ['look', 'tell', 'ask']
              .slice(0, 1 + pick(3))
              .map((name) => ({ name, description: 'd', parameters: { v: pick(9) === 0 } })),
          }),
        },
      },
    };
  });
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** Flue delivers each event as a frozen clone of its own; what is not frozen is captured whole. */
async function rowsOf(events: object[], settings: InitLoggerOptions) {
  const collector = await startCollector();
  try {
    initLogger({ apiKey: 'k', appUrl: collector.url, apiUrl: collector.url, ...settings });
    for (const event of events) braintrustFlueObserver(event);
    expect(await flush(PATIENT)).toMatchObject({ complete: true, lost: NO_LOSS });
    await close();
    return new Map(
      collector.rows().map(({ id, input, output, metadata, span_attributes }: any) => {
        return [id, JSON.stringify({ input, output, metadata, span_attributes })];
      }),
    );
  } finally {
    await collector.close();
  }
}

/** Each event as Flue delivers it: a frozen clone. */
const cloned = (events: object[]) => events.map((event) => frozen(structuredClone(event)));

/** Each event as a runtime would deliver it that hands over the same frozen messages again. */
function byReference(events: object[]) {
  const messages = new Map<string, Message>();
  return events.map((event) => {
    const { request, ...rest } = structuredClone(event) as any;
    const input = request.input.messages.map((message: Message) => {
      const text = JSON.stringify(message);
      const known = messages.get(text) ?? message;
      messages.set(text, known);
      return known;
    });
    return frozen({
      ...rest,
      request: { ...request, input: { ...request.input, messages: input } },
    });
  });
}

describe.each([
  { turnInput: 'full' },
  { turnInput: 'delta' },
  { turnInput: 'auto', maxFullInputBytes: 1500 },
  { turnInput: 'auto', maxFullInputBytes: 1500, messages: 'flue' },
] as const)('%o', (settings) => {
  const events = Array.from({ length: 40 }, (_, seed) => script(seed + 1)).flat();
  let full: Map<string, string>;
  beforeAll(async () => {
    full = await rowsOf(events, settings);
  });

  test.each([
    ['Flue delivers it', cloned],
    ['a runtime delivers it that repeats its messages by reference', byReference],
  ])('a conversation as %s is shown as one that is captured in full', async (_, delivered) => {
    const incremental = await rowsOf(delivered(events), settings);
    expect(full.size).toBeGreaterThan(events.length);
    const differing = [...full].filter(([id, row]) => incremental.get(id) !== row);
    expect(differing).toEqual([]);
    expect(incremental.size).toBe(full.size);
  });
});

test.each(WORDS)('long texts of %j are shown as they are', async (word) => {
  const text = word.repeat(2500);
  const ids = { v: 3, operationId: 'op', submissionId: 'sub', conversationId: 'conv' };
  const input = { messages: [{ role: 'user', content: [{ type: 'text', text: word }] }] };
  const content = [
    { type: 'text', text: word },
    { type: 'text', text },
    { type: 'text', text: `again ${text}` },
  ];
  const result = { content, details: {} };
  const turn = { ...ids, turnId: 't', purpose: 'agent' };
  const tool = { ...ids, turnId: 't', toolName: 'look' };
  const events = [
    { ...ids, type: 'operation_start', operationKind: 'prompt' },
    { ...turn, type: 'turn_request', request: { input } },
    { ...tool, type: 'tool_start', toolCallId: 'a', args: {} },
    { ...tool, type: 'tool', toolCallId: 'a', result, effectiveResult: text },
    { ...tool, type: 'tool_start', toolCallId: 'b', args: {} },
    { ...tool, type: 'tool', toolCallId: 'b', result },
    { ...turn, type: 'turn', response: { output: { role: 'assistant', content } } },
    { ...turn, turnId: 'u', type: 'turn_request', request: { input: { messages: content } } },
  ];
  const rows = await rowsOf(cloned(events), { turnInput: 'full' });
  const shown = [...rows.values()]
    .join()
    .split(JSON.stringify(Buffer.from(text).toString()).slice(1, -1));
  expect(shown.length - 1).toBe(1 + 2 + 2 + 2);
});

test('a growing conversation is recorded by its new messages alone', () => {
  const histories = new RequestDeltas();
  const request = (messages: Message[], tools = ['t']) =>
    histories.shorten(
      frozen(
        structuredClone({
          purpose: 'agent',
          conversationId: 'c',
          request: { input: { systemPrompt: 's', messages, tools } },
        }),
      ),
    ) as any;
  const [a, b, c] = ['a', 'b', 'c'].map((content) => ({ role: 'user', content })) as Message[];
  expect(request([a!]).request.input).toEqual({
    $history: { kept: 0, systemPrompt: false, tools: false },
    messages: [a],
    systemPrompt: 's',
    tools: ['t'],
  });
  expect(request([a!, b!]).request.input).toEqual({
    $history: { kept: 1, systemPrompt: true, tools: true },
    messages: [b],
  });
  // Edited, and with other tools.
  expect(request([a!, c!], ['u']).request.input).toEqual({
    $history: { kept: 1, systemPrompt: true, tools: false },
    messages: [c],
    tools: ['u'],
  });
  histories.forget('c');
  expect(request([a!, c!]).request.input.$history.kept).toBe(0);
});

test('what may change after it was seen is never remembered', () => {
  const histories = new RequestDeltas();
  const event = { purpose: 'agent', conversationId: 'c', request: { input: { messages: [] } } };
  expect(histories.shorten(event)).toBeUndefined();
});

test.each([
  ['the same members', { role: 'user', content: 'hi' }, 1],
  ['a member that is undefined', { role: 'user', later: undefined, content: 'hi' }, 1],
  ['another order', { content: 'hi', role: 'user' }, 0],
  ['another member', { role: 'user', content: 'hi', later: 1 }, 0],
  ['another name', { role: 'user', contents: 'hi' }, 0],
  ['a member less', { role: 'user' }, 0],
])('a message with %s is compared as its JSON is', (_, message, kept) => {
  const histories = new RequestDeltas();
  const keptOf = (content: object) => {
    const input = { messages: [content] };
    const event = { purpose: 'agent', conversationId: 'c', request: { input } };
    return (histories.shorten(frozen(event)) as any).request.input.$history.kept;
  };
  keptOf({ role: 'user', content: 'hi' });
  expect(keptOf(message)).toBe(kept);
  const result = { role: 'toolResult', toolCallId: 'c', toolName: 't', content: [message] };
  keptOf({ ...result, isError: false });
  expect(keptOf({ ...result, isError: false })).toBe(1);
  expect(keptOf({ ...result, later: undefined, isError: false })).toBe(1);
  expect(keptOf({ isError: false, ...result })).toBe(0);
});

test('a message that changes behind the same reference is recorded again', () => {
  const histories = new RequestDeltas();
  const part = { type: 'text', text: 'one' };
  const message = Object.freeze({ role: 'user', content: [part] });
  const keptOf = () => {
    const input = Object.freeze({ messages: Object.freeze([message, frozen({ role: 'x' })]) });
    const event = { purpose: 'agent', conversationId: 'c', request: { input } };
    return (histories.shorten(event) as any).request.input.$history.kept;
  };
  expect([keptOf(), keptOf(), keptOf()]).toEqual([0, 2, 2]);
  part.text = 'two';
  expect([keptOf(), keptOf()]).toEqual([0, 2]);
});

type Deltas = InstanceType<typeof RequestDeltas>;

describe('the memory of conversations', () => {
  /** How many messages of a conversation were kept; undefined when it is not remembered. */
  function keptOf(histories: Deltas, conversationId: string, messages: number, recorder?: object) {
    const content = Array.from({ length: messages }, (_, n) => ({ role: 'user', content: `${n}` }));
    const input = { messages: content };
    const shortened = histories.shorten(
      frozen({ purpose: 'agent', conversationId, request: { input } }),
      recorder,
    ) as any;
    return shortened?.request.input.$history.kept;
  }

  function forgotten(histories: Deltas) {
    const ids: string[] = [];
    histories.reportForgotten((id: string) => {
      ids.push(id);
      return true;
    });
    return ids;
  }

  test('thousands of small conversations are remembered', () => {
    const histories = new RequestDeltas();
    for (const turn of [1, 2]) {
      for (let n = 0; n < 4000; n++) expect(keptOf(histories, `c${n}`, turn)).toBe(turn - 1);
    }
    expect(forgotten(histories)).toEqual([]);
  });

  test('an idle conversation is forgotten after ten minutes', () => {
    let now = 0;
    const histories = new RequestDeltas({ now: () => now });
    keptOf(histories, 'idle', 1);
    now = 9 * 60_000;
    keptOf(histories, 'other', 1);
    expect(forgotten(histories)).toEqual([]);
    now = 11 * 60_000;
    keptOf(histories, 'other', 2);
    expect(forgotten(histories)).toEqual(['idle']);
    expect(keptOf(histories, 'idle', 2)).toBe(0);
  });

  test('conversations that take turns above the bound are not forgotten in turn', () => {
    const histories = new RequestDeltas({ maxBytes: 100_000, now: () => 0 });
    const remembered = [];
    for (let turn = 1; turn <= 5; turn++) {
      let kept = 0;
      for (let n = 0; n < 160; n++) if (keptOf(histories, `c${n}`, turn) === turn - 1) kept++;
      remembered.push(kept);
    }
    // About 1,100 bytes each: there is room for half of them.
    for (const kept of remembered.slice(1)) expect(kept).toBeGreaterThan(64);
  });

  test('conversations in use take the room of idle ones', () => {
    let now = 0;
    const histories = new RequestDeltas({ maxBytes: 10_000, now: () => now });
    for (let n = 0; n < 20; n++) keptOf(histories, `old${n}`, 1);
    now = 2 * 60_000;
    for (let n = 0; n < 5; n++) keptOf(histories, `new${n}`, 1);
    for (let n = 0; n < 5; n++) expect(keptOf(histories, `new${n}`, 2)).toBe(1);
  });

  test('each of several recorders has its own conversations, and forgets those', () => {
    const [one, other] = [{}, {}];
    const histories = new RequestDeltas();
    expect(keptOf(histories, 'a', 1, one)).toBe(0);
    expect(keptOf(histories, 'a', 2, other)).toBe(0);
    expect(keptOf(histories, 'a', 2, one)).toBe(1);
    expect(keptOf(histories, 'a', 3, other)).toBe(2);
    histories.forget('a', one);
    histories.forget('a', other);
    const reports: unknown[] = [];
    const report = (accepts: unknown) =>
      histories.reportForgotten((id, recorder) => {
        reports.push([id, recorder === one ? 'one' : 'other']);
        return recorder === accepts;
      });
    report(other);
    report(one);
    expect(reports).toEqual([
      ['a', 'one'],
      ['a', 'other'],
      ['a', 'one'],
    ]);
    report(one);
    expect(reports).toHaveLength(3);
  });

  test('what cannot be reported as forgotten is reported later, unless it is remembered again', () => {
    const histories = new RequestDeltas();
    for (const id of ['a', 'b']) {
      keptOf(histories, id, 1);
      histories.forget(id);
    }
    histories.reportForgotten(() => false);
    keptOf(histories, 'a', 1);
    expect(forgotten(histories)).toEqual(['b']);
    expect(forgotten(histories)).toEqual([]);
  });
});

describe('when too much waits', () => {
  const at = { v: 3, timestamp: '2026-11-23T07:02:44.633Z', eventIndex: 7 };
  const ids = { operationId: 'op_1', conversationId: 'conv_1', submissionId: 'sub_1' };
  const usage = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, totalTokens: 10 };
  const error = { name: 'TypeError', message: 'broken', stack: 'secret', meta: { at: 'secret' } };
  const secret = { text: 'secret' };
  const LEFT_OUT = '[flue-braintrust: left out, too much waits for delivery]';

  /** What is handed over where nothing has room that is not essential. */
  function handedOver(events: object[]) {
    const capture = new Capture(loadNative());
    const texts: [priority: number, event: any][] = [];
    for (const event of events) {
      capture.take(event, kindOf(event), (text, priority) => {
        texts.push([priority, JSON.parse(text)]);
        return priority === 2;
      });
    }
    return texts;
  }

  test.each([
    ['for which there is no room is not written', 40_000, false, [2]],
    ['for which there is room is written', 40_000, true, [1]],
    ['that is not large is written without a question', 4000, undefined, [1]],
  ])('an end %s', (_, length, hasRoom, priorities) => {
    const asked: number[] = [];
    const recorder = {
      hasRoom(characters: number) {
        asked.push(characters);
        return hasRoom;
      },
    };
    const capture = new Capture(loadNative(), { recorder } as any);
    const result = 'x'.repeat(length);
    for (const event of [
      { ...at, ...ids, type: 'tool', toolCallId: 'c', toolName: 'look', result },
      { ...at, ...ids, type: 'turn', turnId: 't', response: { output: [{ text: result }] } },
      { ...at, ...ids, type: 'operation', operationKind: 'prompt', result },
    ]) {
      const recorded: number[] = [];
      capture.take(event, kindOf(event), (text, priority) => {
        recorded.push(priority);
        expect(text.includes(result)).toBe(priority === 1);
        return true;
      });
      expect(recorded).toEqual(priorities);
    }
    expect(asked).toHaveLength(hasRoom === undefined ? 0 : 3);
    expect(asked.every((characters) => characters >= length)).toBe(true);
  });

  test('a beginning is refused for good', () => {
    const starts = ['run_start', 'operation_start', 'tool_start', 'task_start', 'compaction_start'];
    const recorded = handedOver(starts.map((type) => ({ ...at, ...ids, type })));
    expect(recorded.map(([priority, { type }]) => [priority, type])).toEqual(
      starts.map((type) => [0, type]),
    );
  });

  test.each([
    ['operation', { agentInput: secret, result: secret, usage, operationKind: 'prompt' }],
    ['tool', { toolCallId: 'c', toolName: 'look', result: secret, effectiveResult: secret }],
    ['tool_call', { toolCallId: 'c', toolName: 'look', result: secret, isError: true, error }],
    ['task', { taskId: 't', agent: 'a', result: 'secret'.repeat(99) }],
    ['run_end', { runId: 'r', result: [secret], isError: true, error }],
    ['compaction', { messagesBefore: 9, messagesAfter: 2, isError: true, errorInfo: error }],
    ['submission_settled', { outcome: 'failed', result: secret, error, errorInfo: error }],
  ])('the end %s is recorded again without its content', (type, fields) => {
    const event = { ...at, ...ids, type, durationMs: 5, ...fields };
    const [first, second, ...more] = handedOver([event]);
    expect([first?.[0], second?.[0], more]).toEqual([1, 2, []]);
    const essentials = second?.[1];
    expect(JSON.stringify(essentials)).not.toContain('secret');
    for (const [name, value] of Object.entries(event)) {
      if (/result|agentInput|effective/i.test(name)) expect(essentials[name]).toBe(LEFT_OUT);
      else if (/error/.test(name)) expect(essentials[name]).toMatchObject({ message: 'broken' });
      else expect(essentials[name]).toEqual(value);
    }
  });

  test('a long message of an error is cut before a line, a sentence or a word', () => {
    const message = (text: string) => {
      const error = { message: text };
      const event = { ...at, ...ids, type: 'run_end', runId: 'r', isError: true, error };
      return handedOver([event])[1]?.[1].error.message;
    };
    const filler = 'a word '.repeat(140);
    const MARK = '[flue-braintrust: cut]';
    expect(message(`${filler}sk-proj-${'secret1A'.repeat(9)}`)).toBe(filler.slice(0, -1) + MARK);
    expect(message(`first line\n${filler}secret and more`)).toBe(`first line${MARK}`);
    expect(message(`{"a":"${'secret'.repeat(999)}"}`)).toBe(`{"a":${MARK}`);
    expect(message('secret'.repeat(999))).toBe(MARK);
  });

  test('the end of a custom span keeps an error that is not text whole or not at all', () => {
    const end = (error: unknown) =>
      minimalSpanEnd({ span: { end: 1, error, output: secret } }).span;
    expect(end({ code: 7 })).toEqual({ end: 1, error: { code: 7 } });
    expect(end({ code: 'secret'.repeat(999) })).toEqual({ end: 1, error: LEFT_OUT });
    expect(end(`line\n${'secret'.repeat(999)}`)).toEqual({
      end: 1,
      error: 'line[flue-braintrust: cut]',
    });
  });

  test('the end of a turn keeps its model, its usage and why it ended', () => {
    const output = { role: 'assistant', content: [secret] };
    const request = { requestedModel: 'm', providerId: 'p', api: 'a' };
    const response = { responseModel: 'm2', usage, finishReason: 'stop', error, output };
    const [, second] = handedOver([
      { ...at, ...ids, type: 'turn', turnId: 't', request, response },
    ]);
    expect(JSON.stringify(second)).not.toContain('secret');
    expect(second).toEqual([
      2,
      {
        ...at,
        ...ids,
        type: 'turn',
        turnId: 't',
        request,
        response: {
          ...response,
          error: { name: 'TypeError', message: 'broken' },
          output: LEFT_OUT,
        },
      },
    ]);
  });

  test('an end that cannot be read is recorded as far as it can be', () => {
    const type = 'tool';
    const event = Object.defineProperty({ ...at, ...ids, type }, 'toolName', {
      enumerable: true,
      get() {
        throw new Error('secret');
      },
    });
    const [, second] = handedOver([event]);
    expect(second).toEqual([
      2,
      { ...at, ...ids, type, toolName: '[flue-braintrust: unreadable, Error]' },
    ]);
  });

  test('a request that was refused is followed by one that is recorded in full', () => {
    const capture = new Capture(loadNative());
    const kept: number[] = [];
    const request = (turns: number, room: boolean) => {
      const content = Array.from({ length: turns }, (_, n) => ({ role: 'user', content: `${n}` }));
      const input = { messages: content };
      const event = { ...at, ...ids, type: 'turn_request', purpose: 'agent', request: { input } };
      capture.take(frozen(event), kindOf(event), (text) => {
        kept.push(JSON.parse(text).request.input.$history.kept);
        return room;
      });
    };
    request(1, true);
    request(2, true);
    request(3, false);
    request(4, true);
    request(5, true);
    expect(kept).toEqual([0, 1, 2, 0, 4]);
  });
});

/** Whether a delta is the first token of its turn. */
const deltas: [token: boolean, event: Record<string, unknown>][] = [
  [true, { type: 'text_delta', text: 'f' }],
  [false, { type: 'text_delta', text: '' }],
  [false, { type: 'thinking_start', contentIndex: 0 }],
  [true, { type: 'thinking_delta', delta: 'f' }],
  [false, { type: 'thinking_delta', delta: '' }],
  [false, { type: 'thinking_end', content: '' }],
  [true, { type: 'toolcall_delta', toolName: 'look', argumentTextDelta: '' }],
  [false, { type: 'message_start', message: { role: 'assistant', content: [] } }],
  // 0.x streams each step of the provider.
  ...[
    [false, { type: 'start' }],
    [false, { type: 'text_start' }],
    [true, { type: 'text_delta', delta: 'f' }],
    [false, { type: 'text_delta', delta: '' }],
    [false, { type: 'thinking_start' }],
    [true, { type: 'thinking_delta', delta: 'f' }],
    [false, { type: 'thinking_delta', delta: '' }],
    [true, { type: 'toolcall_start' }],
    [true, { type: 'toolcall_delta', delta: '' }],
    [false, { type: 'done' }],
    [false, undefined],
  ].map(([token, assistantMessageEvent]): [boolean, Record<string, unknown>] => [
    token === true,
    { type: 'message_update', message: { content: [] }, assistantMessageEvent },
  ]),
];

test.each(deltas)(
  'the first token of a turn (%s) is text, thinking or a tool call: %j',
  (token, delta) => {
    const capture = new Capture(loadNative());
    const recorded: any[] = [];
    const emit = (event: Record<string, unknown>) => {
      const kind = kinds.get(event.type);
      if (kind === undefined || !capture.wants(event, kind)) return;
      capture.take(event, kind, (text) => recorded.push(JSON.parse(text)) > 0);
    };
    emit({ type: 'turn_request', turnId: 't', request: {} });
    const times = [
      '2026-11-28T12:00:00.001Z',
      '2026-11-28T12:00:00.002Z',
      '2026-11-28T12:00:00.003Z',
    ];
    emit({ ...delta, turnId: 't', timestamp: times[0] });
    emit({ type: 'text_delta', text: 'later', turnId: 't', timestamp: times[1] });
    emit({ type: 'text_delta', text: 'last', turnId: 't', timestamp: times[2] });
    emit({ type: 'turn', turnId: 't' });
    emit({ type: 'turn', turnId: 't' });
    const $firstDeltaAt = Date.parse(times[token ? 0 : 1] as string);
    const end = { type: 'turn', turnId: 't' };
    expect(recorded.slice(1)).toEqual([{ ...end, $firstDeltaAt }, end]);
  },
);

test.each([1_795_417_364_633, 1_795_417_364.633])(
  'the first token comes at the time that its event states as a number: %d',
  (timestamp) => {
    const capture = new Capture(loadNative());
    const recorded: any[] = [];
    for (const type of ['turn_request', 'text_delta', 'turn']) {
      const event = { type, turnId: 't', timestamp, text: 'first' };
      const kind = kinds.get(type)!;
      if (!capture.wants(event, kind)) continue;
      capture.take(event, kind, (text) => recorded.push(JSON.parse(text)) > 0);
    }
    expect(recorded.at(-1)).toMatchObject({ type: 'turn', $firstDeltaAt: timestamp });
  },
);

test('of the message of a model only usage is recorded that its turn does not report', () => {
  const capture = new Capture(loadNative());
  const recorded: any[] = [];
  const kind = kinds.get('message_end');
  const emit = (message: object) => {
    const event = { type: 'message_end', turnId: 't', operationId: 'o', message };
    if (!capture.wants(event, kind!)) return;
    capture.take(event, kind!, (text) => recorded.push(JSON.parse(text)) > 0);
  };
  const usage = { input: 9, output: 50, cacheRead: 3, cacheWrite: 20, totalTokens: 82 };
  for (const message of [
    { role: 'user', content: [] },
    { role: 'assistant', content: [], usage },
  ]) {
    emit(message);
  }
  expect(recorded).toEqual([]);
  emit({ role: 'assistant', content: ['secret'], usage: { ...usage, reasoning: 0 } });
  emit({ role: 'assistant', usage: { ...usage, cacheWrite1h: 15 } });
  const end = { type: 'message_end', turnId: 't', operationId: 'o' };
  expect(recorded).toEqual([
    { ...end, usage: { reasoning: 0, cacheWrite: 20 } },
    { ...end, usage: { cacheWrite: 20, cacheWrite1h: 15 } },
  ]);
});

describe('a submission whose operation has not started', () => {
  const ids = { submissionId: 's', agentName: 'A', instanceId: 'i' };
  const running = { ...ids, type: 'submission_running', attemptCount: 1, timestamp: at(1) };
  const log = (message: string) => ({ ...ids, type: 'log', message, timestamp: at(2) });
  const start = { ...ids, type: 'operation_start', operationId: 'o', timestamp: at(3) };

  function at(second: number) {
    return `2026-11-28T12:00:0${second}.000Z`;
  }

  /** What is recorded, in order. */
  function recorded(events: any[]) {
    const unbegun = new UnbegunSubmissions();
    return events.flatMap((event) => unbegun.note(event) ?? [event]);
  }

  test('keeps its log lines until then, and those of other submissions apart', () => {
    const [first, second, late] = ['first', 'second', 'late'].map(log);
    const other = { ...log('other'), instanceId: 'j' };
    // An observer that is registered twice passes each event twice.
    const before = [running, first, first, other, running, second];
    expect(recorded([...before, start, late])).toEqual([
      running,
      other,
      running,
      start,
      first,
      first,
      second,
      late,
    ]);
  });

  test('has begun with any event of its operation, as a filter may leave out the start', () => {
    const [early, late] = ['early', 'late'].map(log);
    const turn = { ...start, type: 'turn_request' };
    expect(recorded([running, early, turn, late])).toEqual([running, turn, early, late]);
  });

  test('that fails gets an operation with its log lines, once, unless it is keyed or has not run', () => {
    const settled = { ...ids, type: 'submission_settled', outcome: 'failed', timestamp: at(4) };
    const types = (events: any[]) => recorded(events).map(({ type }) => type);
    const error = { name: 'Error', message: 'm' };
    const [, begun, line, operation] = recorded([running, log('early'), { ...settled, error }]);
    expect(begun).toMatchObject({ type: 'operation_start', timestamp: at(1) });
    expect(line).toEqual(log('early'));
    const outcome = { isError: true, error, durationMs: 3000 };
    expect(operation).toMatchObject({ type: 'operation', timestamp: at(4), ...outcome });
    expect(operation.operationId).toBe(begun.operationId);
    expect(types([running, settled, settled])).toEqual([
      'submission_running',
      'operation_start',
      'operation',
      'submission_settled',
      'submission_settled',
    ]);
    const key = { submissionId: 'sub_ik_1' };
    const keyed = [
      { ...running, ...key },
      { ...settled, ...key },
    ];
    expect(types([running, { ...settled, outcome: 'rejected', error }])).toContain('operation');
    const outcomes = ['completed', 'aborted', 'superseded'];
    const others = outcomes.map((outcome) => [running, { ...settled, outcome }]);
    // One that has joined another has not run.
    for (const events of [keyed, ...others, [settled], [running, start, settled]]) {
      expect(recorded(events)).toEqual(events);
    }
  });

  test('passes its log lines on, to be counted as lost, if nothing shows them', () => {
    const settled = { ...ids, type: 'submission_settled', timestamp: at(4) };
    const key = { submissionId: 'sub_ik_1' };
    for (const [of, outcome] of [
      [{}, 'aborted'],
      [key, 'failed'],
    ] as const) {
      const events = [
        { ...running, ...of },
        { ...log('early'), ...of },
        { ...settled, ...of, outcome },
      ];
      expect(recorded(events)).toEqual(events);
    }
  });

  test('keeps the log lines of an earlier attempt that had no operation, either', () => {
    const [first, second] = ['first', 'second'].map(log);
    const again = { ...running, attemptCount: 2 };
    const events = [running, first, again, second, start];
    expect(recorded(events)).toEqual([running, again, start, first, second]);
  });

  test('is none of an event that cannot be read', () => {
    const event = {
      type: 'tool_start',
      get submissionId(): string {
        throw new Error('unreadable');
      },
    };
    const [first, second] = recorded([running, event]);
    expect([first === running, second === event]).toEqual([true, true]);
  });

  test('has begun if no attempt was announced, as before 2.x', () => {
    const events = [log('early'), start, log('late')];
    expect(recorded(events)).toEqual(events);
  });
});
