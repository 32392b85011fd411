import { applyDelta, differenceOf, placesOf } from '../tools/support/list-delta';
import { Deltas } from '../tools/viewer/deltas';

interface Element {
  id: string;
  value: number;
}

const idOf = ({ id }: Element) => id;

/** The same numbers in every run. */
function randomNumbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** What comes of a list when elements go, come, move and change. */
function changed(list: Element[], random: (below: number) => number): Element[] {
  const next = list.filter(() => random(8) > 0);
  for (let n = random(4); n > 0; n -= 1) {
    next.splice(random(next.length + 1), 0, { id: `new-${random(1e9)}`, value: 0 });
  }
  for (let n = random(3); n > 0 && next.length > 0; n -= 1) {
    const [moved] = next.splice(random(next.length), 1);
    if (moved !== undefined) next.splice(random(next.length + 1), 0, moved);
  }
  return next.map((element) =>
    random(6) === 0 ? { id: element.id, value: element.value + 1 } : element,
  );
}

const overWire = <T>(value: T): T => JSON.parse(JSON.stringify(value));

test('a list and the delta to another one make the other one, whatever the two are', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomNumbers(seed);
    let list: Element[] = [];
    for (let step = 0; step < 12; step += 1) {
      const next = changed(list, random);
      const delta = differenceOf(list, placesOf(list, idOf), next, idOf);
      expect(delta).not.toBeNull();
      expect(applyDelta(list, overWire(delta!), idOf)).toEqual(next);
      const same = next.filter((element) => list.includes(element)).length;
      // What neither changed nor moved is not sent.
      expect(delta!.placed.length).toBeLessThanOrEqual(next.length - same + 2 * 3);
      list = next;
    }
  }
});

test('what did not change is the same object afterwards', () => {
  const list = Array.from({ length: 50 }, (_, n) => ({ id: `${n}`, value: n }));
  const next = list.with(7, { id: '7', value: -1 });
  const delta = differenceOf(list, placesOf(list, idOf), next, idOf);
  expect(delta).toEqual({ removed: [], placed: [[7, { id: '7', value: -1 }]] });
  const applied = applyDelta(list, overWire(delta!), idOf);
  expect(applied?.filter((element, n) => element !== list[n])).toEqual([{ id: '7', value: -1 }]);
});

test('a delta is refused by a list that it is not of, and is none where ids repeat', () => {
  const list = [{ id: 'a', value: 0 }];
  expect(applyDelta(list, { removed: [], placed: [[5, { id: 'b', value: 0 }]] }, idOf)).toBeNull();
  const twice = [...list, ...list];
  expect(differenceOf(list, placesOf(list, idOf), twice, idOf)).toBeNull();
  expect(differenceOf(twice, placesOf(twice, idOf), list, idOf)).toBeNull();
});

describe('the versions of lists', () => {
  const list = [
    { id: 'a', value: 0 },
    { id: 'b', value: 0 },
  ];

  test('a version that is known gets a delta, any other the whole list', () => {
    const deltas = new Deltas();
    const first = deltas.answer('k', null, list, idOf);
    expect(first.delta).toBeUndefined();
    const next = [...list, { id: 'c', value: 0 }];
    const second = deltas.answer('k', first.version, next, idOf);
    expect(second.delta).toEqual({ removed: [], placed: [[2, next[2]]] });
    expect(deltas.answer('k', second.version, next, idOf)).toEqual({
      version: second.version,
      delta: { removed: [], placed: [] },
    });
    for (const since of ['', 'x', `${second.version}0`, '__proto__']) {
      expect(deltas.answer('k', since, next, idOf).delta).toBeUndefined();
    }
    expect(deltas.answer('other', first.version, next, idOf).delta).toBeUndefined();
    expect(new Deltas().answer('k', first.version, next, idOf).delta).toBeUndefined();
  });

  test('old versions are forgotten, and then the whole list is sent', () => {
    const deltas = new Deltas();
    const { version } = deltas.answer('k', null, list, idOf);
    let last = '';
    for (let n = 0; n < 1_000; n += 1) {
      last = deltas.answer('k', null, [{ id: 'a', value: n }], idOf).version;
    }
    expect(deltas.answer('k', version, list, idOf).delta).toBeUndefined();
    expect(deltas.answer('k', last, list, idOf).delta).toBeDefined();
  });
});
