import { pickOptions } from '../js/options';

test.each<[string, unknown, string]>([
  ['apiKey', 5, '`apiKey` is no string'],
  ['projectName', 5, '`projectName` is no string'],
  ['exitTimeoutMs', '2s', '`exitTimeoutMs` is no number'],
  ['maxQueueBytes', '64MB', '`maxQueueBytes` is no number'],
  ['sampleRate', '0.5', '`sampleRate` is no number'],
  ['keepErrors', 'true', '`keepErrors` is no boolean'],
  ['sample', 0.5, '`sample` is no function'],
  ['enrich', 'user', '`enrich` is no function'],
])('an option of the wrong type is named: %s: %p', (name, value, message) => {
  expect(() => pickOptions({ [name]: value })).toThrow(new TypeError(message));
});

test('`undefined` and `null` stand for the default of every option', () => {
  const names = ['apiKey', 'exitTimeoutMs', 'keepErrors', 'sample', 'content', 'redact', 'tags'];
  for (const value of [undefined, null]) {
    expect(pickOptions(Object.fromEntries(names.map((name) => [name, value])))).toEqual({});
  }
});
