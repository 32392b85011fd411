/**
 * A recorded conversation. In the file every message stands once, as the requests of the turns repeat
 * them; to be replayed, every event is made anew, as Flue makes it: a deep clone per emission, frozen,
 * in which equal strings are the same string.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { frozenClone } from './frozen-clone.mjs';

/**
 * @param {string} file
 * @param {object[]} events
 */
export function save(file, events) {
  const numbers = new Map();
  const numberOf = (message) => {
    const text = JSON.stringify(message);
    if (!numbers.has(text)) numbers.set(text, numbers.size);
    return numbers.get(text);
  };
  const lean = events.map((event) => {
    if (event.type !== 'turn_request') return event;
    const { request } = event;
    const messages = request.input.messages.map(numberOf);
    return { ...event, request: { ...request, input: { ...request.input, messages } } };
  });
  const messages = [...numbers.keys()].map((text) => JSON.parse(text));
  writeFileSync(file, JSON.stringify({ messages, events: lean }));
}

/**
 * @param {string} file
 * @returns {{ length: number, messageBytes: number, event: (index: number) => any, all: () => any[] }}
 *   `messageBytes` counts the distinct messages as JSON; `event` makes one event
 */
export function load(file) {
  const { messages, events } = shared(JSON.parse(readFileSync(file, 'utf8')), new Map());
  const event = (index) => {
    const lean = events[index];
    if (lean.type !== 'turn_request') return frozenClone(lean);
    const { request } = lean;
    const input = { ...request.input, messages: request.input.messages.map((i) => messages[i]) };
    return frozenClone({ ...lean, request: { ...request, input } });
  };
  return {
    length: events.length,
    messageBytes: Buffer.byteLength(JSON.stringify(messages)),
    event,
    all: () => events.map((_, index) => event(index)),
  };
}

/** Equal strings become one. @param {any} value @param {Map<string, string>} strings */
function shared(value, strings) {
  if (typeof value === 'string') {
    if (!strings.has(value)) strings.set(value, value);
    return strings.get(value);
  }
  if (value === null || typeof value !== 'object') return value;
  for (const key of Object.keys(value)) value[key] = shared(value[key], strings);
  return value;
}
