/** Our shapes for what spans hold, by what the `braintrust` package is told of an event. */

/** @typedef {Record<string, any>} Event */

/** What each kind of event is taken to say about its failure. @type {Record<string, string>} */
const ERROR_MEMBER = {
  operation: 'errorInfo',
  compaction: 'errorInfo',
  task: 'errorInfo',
  tool: 'error',
  tool_call: 'error',
  run_end: 'error',
};

/**
 * The event to hand to the `braintrust` package: with errors as text, and with all input tokens counted as
 * such. The same object where nothing is to change.
 * @param {Event} event
 * @returns {Event}
 */
export function shaped(event) {
  if (event.type === 'turn') return shapedTurn(event);
  const member = ERROR_MEMBER[event.type];
  if (member === undefined || event.isError !== true) return event;
  return { ...event, [member]: describe(event.errorInfo, event.error, contentText(event.result)) };
}

/** @param {Event} event */
function shapedTurn(event) {
  const { response = {}, isError } = event;
  const usage = response.usage ?? event.usage;
  const error = isError === true && describe(event.errorInfo, response.error, event.error);
  return {
    ...event,
    response: { ...response, ...(usage && { usage: counted(usage) }), ...(error && { error }) },
  };
}

/**
 * Flue's `input` leaves out what was read from and written to the provider's cache; Braintrust's
 * `prompt_tokens` includes both.
 * @param {Record<string, number>} usage
 */
function counted(usage) {
  const { input, cacheRead = 0, cacheWrite = 0 } = usage;
  return typeof input === 'number' ? { ...usage, input: input + cacheRead + cacheWrite } : usage;
}

/**
 * An error as a person reads it: `Name: message [code]`, then the stack where Flue gives one.
 * @param {any} info Flue's account of it, if there is one
 * @param {...any} others where else a message may stand
 */
function describe(info, ...others) {
  const told = [info, ...others].filter((error) => error !== undefined && error !== null);
  const member = (/** @type {string} */ name) =>
    told.map((error) => error[name]).find((value) => typeof value === 'string');
  const message =
    member('message') ??
    told.find((error) => typeof error === 'string') ??
    'failed without a message';
  const name = member('name');
  const type = member('type');
  const code = member('code') ?? (type === '_OTHER' ? undefined : type);
  const stack = member('stack');
  const head = name !== undefined && name !== 'Error' ? `${name}: ${message}` : message;
  const tail = stack === undefined ? '' : `\n\n${stack}`;
  return `${head}${code !== undefined && code !== name ? ` [${code}]` : ''}${tail}`;
}

/**
 * A tool that failed before it ran left its only message in its result.
 * @param {any} result
 */
const contentText = (result) => result?.content?.[0]?.text;
