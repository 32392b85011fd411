/** Tests of applications, which replace timers and clocks while spans are recorded. */
import {
  Attachment,
  braintrustFlueObserver,
  close,
  flush,
  initLogger,
  setMaskingFunction,
  startSpan,
  traced,
} from '..';
import { startCollector, type TestCollector } from '../testing';
import { PATIENT } from './support/run';

let collector: TestCollector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  jest.restoreAllMocks();
  jest.useRealTimers();
  setMaskingFunction(null);
  await close(PATIENT);
  await collector.close();
});

const names = () => collector.spans().map(({ name }) => name);

test('fake timers are those of the application alone: all of them may run', async () => {
  jest.useFakeTimers();
  setMaskingFunction((value) => value);
  initLogger({ ...collector.options, onReady() {}, onError() {} });
  traced(() => {}, { name: 'span' });
  expect(jest.getTimerCount()).toBe(0);
  jest.runAllTimers();
  expect(await flush(PATIENT)).toMatchObject({ complete: true });
  expect(names()).toEqual(['span']);
});

test('under fake timers, a masking function masks, and the project of a logger becomes known', async () => {
  jest.useFakeTimers();
  setMaskingFunction((value) => (value === 'secret' ? 'masked' : value));
  const logger = initLogger(collector.options);
  expect(await logger.id).not.toBe('');
  const file = new Attachment({ data: new Blob(['a']), filename: 'a', contentType: 'text/plain' });
  traced((span) => span.log({ input: 'secret', output: file }), { name: 'span' });
  expect(await flush(PATIENT)).toMatchObject({ complete: true });
  expect(collector.spans('span')[0]?.input).toBe('masked');
});

test('what begins under fake timers goes on without them', async () => {
  jest.useFakeTimers();
  setMaskingFunction((value) => value);
  initLogger(collector.options);
  traced(() => {}, { name: 'span' });
  jest.useRealTimers();
  await collector.waitFor(() => names().includes('span'), PATIENT);
});

test.each<[string, () => unknown]>([
  [
    'is a mock without `now`',
    () => jest.spyOn(globalThis, 'Date').mockImplementation(() => 'a date' as any),
  ],
  ['throws', () => jest.spyOn(Date, 'now').mockImplementation(() => fail('thrown'))],
  ['is not a number', () => jest.spyOn(Date, 'now').mockImplementation(() => 'now' as any)],
  ['is set back', () => jest.useFakeTimers({ now: -1_000_000_000 })],
])('no call throws and no span is lost where the time %s', async (_, mock) => {
  const logger = initLogger(collector.options);
  const open = startSpan({ name: 'open' });
  mock();
  open.log({ output: 1 });
  open.end();
  traced((span) => span.log({ input: 1 }), { name: 'span' });
  braintrustFlueObserver({ type: 'run_start', runId: 'run_1', workflowName: 'tide', input: 1 });
  logger.logFeedback({ id: open.id, scores: { good: 1 } });
  jest.restoreAllMocks();
  jest.useRealTimers();
  expect(await flush(PATIENT)).toMatchObject({ complete: true });
  expect(names().toSorted()).toEqual(['open', 'span', 'workflow:tide']);
  const [{ start, end } = {}] = collector.spans('span');
  expect(end).toBeGreaterThanOrEqual(Number(start));
});

function fail(message: string): never {
  throw new Error(message);
}
