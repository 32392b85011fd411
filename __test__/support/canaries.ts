/**
 * Plants secrets in recorded events: a canary of its own in every string, and as the name of one more member
 * in every object that an application can fill.
 */

/** What identifies and what the protocol is made of: canaries there would make other events of them. */
const STRUCTURE = /^(type|role|kind|purpose|operationKind|v|mimeType|timestamp|startedAt|.*Id)$/;

/** What is called in some way by the application or the provider: names, but no content. */
const NAMES = new Set([
  'agent',
  'agentName',
  'api',
  'code',
  'finishReason',
  'harness',
  'level',
  'model',
  'name',
  'operation',
  'origin',
  'outcome',
  'owner',
  'parentSession',
  'provider',
  'providerId',
  'providerName',
  'reason',
  'reasoning',
  'reasoningLevel',
  'requestedModel',
  'serverAddress',
  'session',
  'stopReason',
  'toolName',
  'toolType',
  'workflowName',
]);

/** The members under which the application's own objects are found. */
const OPEN =
  /^(args|arguments|attributes|details|input|payload|result|effectiveResult|meta|parameters|metadata)$/;

/** Where canaries are planted: everywhere, or in what is content. */
export type Where = 'everywhere' | 'in content';

let planted = 0;
const canary = () => `CANARY_${(planted += 1)}_`;

/** What is appended to a string. */
export type Form = () => string;

/** Forms that a rule may miss although it matches the canary alone. */
export const FORMS = {
  'behind escapes': () => `\n\t"\\\n${canary()}`,
  'in JSON text at three depths': () =>
    [1, 2, 3].reduce<string>((text) => JSON.stringify({ list: [`\n${text}`] }), `"${canary()}`),
  'in JSON text that is cut': () => `{"list":[{"a":"\\n${canary()}"},{"a":"\\t${canary()}`,
} satisfies Record<string, Form>;

/** A canary that a rule by its key alone covers. */
export const KEYED = 'KEYED_CANARY';

const keyed = () => `${KEYED}_${(planted += 1)}_`;

/** Texts with that canary under the key `password` in JSON that is malformed, cut or incomplete. */
export const KEYED_FORMS = {
  'as a malformed value': () => `{"a": 1, "password": '${keyed()}'}`,
  'behind an error in the structure': () => `{"at": new Date(1), "password": "${keyed()}"}`,
  'in JSON in a string that is cut': () =>
    JSON.stringify({ a: JSON.stringify({ b: 1, password: keyed(), c: 'plum' }) }).slice(0, -6),
  'as Python prints it, in JSON that is cut': () => `{"out":"{'a': 1, 'password': '${keyed()}`,
  'in a line of JSON without brackets': () => `\nconfig.json:3:  "password": "${keyed()}",\n`,
} satisfies Record<string, Form>;

/** The event with canaries. What it was is left alone. */
export function plant(event: object, where: Where, form: Form = canary): object {
  return grown(event, '', where, false, form) as object;
}

function grown(value: unknown, name: string, where: Where, open: boolean, form: Form): unknown {
  if (typeof value === 'string') {
    const isExempt = !open && (STRUCTURE.test(name) || (where === 'in content' && NAMES.has(name)));
    return isExempt ? value : value + form();
  }
  if (Array.isArray(value)) return value.map((item) => grown(item, name, where, open, form));
  if (typeof value !== 'object' || value === null) return value;
  if (!open && where === 'in content' && NAMES.has(name)) return value;
  // The lists of messages and tools are Flue's own, also below `input`.
  const isOpen = open || (OPEN.test(name) && !('messages' in value) && !('content' in value));
  const entries = Object.entries(value).map(([key, member]) => [
    key,
    // An error's class is exported, wherever it is found.
    grown(member, key, where, isOpen && key !== 'error', form),
  ]);
  if (isOpen) entries.push([canary(), canary()]);
  return Object.fromEntries(entries);
}
