import { HeldEvents } from '../js/held-events';

/** Held events, and the names of those that wait no longer. */
function held(Class = HeldEvents) {
  const released: unknown[] = [];
  const events = new Class(({ event }: any) => void released.push(event.name));
  const hold = (trace: string, name: string) =>
    events.hold(
      trace,
      { event: { name }, priority: 'Start', admission: undefined, isCut: false },
      10,
    );
  return { events, released, hold };
}

test('a wait ends with the release of what was held then, whatever is held meanwhile', async () => {
  const { events, released, hold } = held();
  events.await('one');
  hold('one', 'first');
  const waiting = events.released();
  events.await('two');
  hold('two', 'second');
  events.release((trace) => trace === 'one');
  await waiting;
  expect(released).toEqual(['first']);
  expect(events.isEmpty).toBe(false);
  events.release(() => true);
  expect(released).toEqual(['first', 'second']);
  await events.released();
});

test('a clock that is set back does not prolong the wait', () => {
  let ms = 5_000;
  const timers: { call: () => void; at: number }[] = [];
  jest.doMock('../js/builtins/index.js', () => ({
    ...jest.requireActual('../js/builtins/index.js'),
    monotonicMs: () => ms,
    timers: {
      setTimeout: (call: () => void, after: number) => timers.push({ call, at: ms + after }),
    },
  }));
  const now = jest.spyOn(Date, 'now').mockReturnValue(0);
  try {
    jest.isolateModules(() => {
      const { events, released, hold } = held(require('../js/held-events').HeldEvents);
      events.await('one');
      hold('one', 'first');
      now.mockReturnValue(-3_600_000);
      ms += 11_000;
      for (const { call, at } of timers) if (at <= ms) call();
      expect(released).toEqual(['first']);
    });
  } finally {
    now.mockRestore();
    jest.dontMock('../js/builtins/index.js');
  }
});
