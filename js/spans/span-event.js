'use strict';

// What an application states of a span in `log`, `event`, `updateSpan` and `propagatedEvent`.

const { isObject } = require('../json/is-object.js');
const { warn } = require('../warn.js');
const { labelOf, read } = require('./arguments.js');
const { spanUpdateOf, timeMembers } = require('./span-update.js');

/** The fields that a span has. */
const FIELDS = [
  'input',
  'output',
  'expected',
  'error',
  'metadata',
  'metrics',
  'scores',
  'tags',
  'span_attributes',
];

/** What an event may have besides: an older name, and what names the span. */
const KNOWN = new Set([...FIELDS, 'inputs', 'id', 'span_id', 'root_span_id', 'exported', 'state']);

/** Fields that the events of the `braintrust` package have and no span here. */
const NOT_HERE = new Set([
  'classifications',
  'context',
  'created',
  'datasetRecordId',
  'experiment_id',
  'is_root',
  'origin',
  'span_parents',
  '_async_scoring_control',
  '_audit_metadata',
  '_audit_source',
  '_is_merge',
  '_merge_paths',
  '_skip_async_scoring',
]);

/** The arguments of `startSpan` and `traced`. */
const ARGUMENTS = [
  'name',
  'type',
  'spanAttributes',
  'startTime',
  'parent',
  'parentSpanIds',
  'spanId',
  'propagatedEvent',
  'event',
];
/** What they may be besides: options of functions within spans, and what the `braintrust` package has. */
const KNOWN_ARGUMENTS = new Set([...ARGUMENTS, 'setCurrent', 'noTraceIO', 'asyncFlush', 'state']);

/** Fields that the server merges: no `null` in their place reaches it. */
const MERGED = ['metadata', 'metrics', 'scores', 'tags'];
/** Those of them that are objects: metadata of another type is shown as its `value`. */
const OBJECTS = new Set(['metrics', 'scores']);

/**
 * The update of a span as the native part takes it, with what the event's attributes state. Does not change what the
 * application passes. Never throws.
 * @param {any} event
 * @param {number} [start] when the span began, if that is set: in seconds since the epoch
 * @returns {Record<string, any>}
 */
function spanEventOf(event, start) {
  warnOfIgnored(event);
  const attributes = read(event, 'span_attributes');
  return {
    ...(attributes !== undefined && labelOf({ spanAttributes: attributes })),
    ...spanUpdateOf(event),
    ...(start !== undefined && timeMembers('start', start)),
  };
}

/** Warns of what is ignored. Other names may be content: no line has them. @param {any} event */
function warnOfIgnored(event) {
  try {
    if (event === undefined || event === null) return;
    if (!isObject(event)) {
      warnOfField(
        'event',
        `What a span logs is not an object with ${FIELDS.join(', ')}: it is ignored.`,
      );
      return;
    }
    for (const name of MERGED) {
      const value = read(event, name);
      if (value === null) {
        warnOfField(
          name,
          `\`${name}: null\` is ignored: \`null\` takes back a member of an object.`,
        );
      } else if (OBJECTS.has(name) && value !== undefined && !isObject(value)) {
        warnOfField(`${name} type`, `\`${name}\` is not an object with numbers: it is ignored.`);
      }
    }
    for (const name of Object.keys(event)) {
      if (KNOWN.has(name) || read(event, name) === undefined) continue;
      if (NOT_HERE.has(name)) {
        warnOfField(name, `Spans have no field \`${name}\` here; it is ignored.`);
        continue;
      }
      warnOfField('', `A field that spans do not have is ignored; they have ${FIELDS.join(', ')}.`);
      return;
    }
  } catch {
    // An object whose members cannot be listed.
  }
}

/**
 * Warns of arguments that are ignored, such as a field of the event beside it.
 * @param {any} args
 */
function warnOfArguments(args) {
  try {
    if (args === undefined || args === null) return;
    const isIgnored = (/** @type {string} */ name) =>
      !KNOWN_ARGUMENTS.has(name) && args[name] !== undefined;
    const ignored = isObject(args) ? Object.keys(args).filter(isIgnored) : [''];
    for (const name of ignored) {
      const isField = FIELDS.includes(name);
      const message = isField
        ? `\`${name}\` is not an argument of a span: state it in \`event\`. It is ignored.`
        : `An argument that spans do not have is ignored; they have ${ARGUMENTS.join(', ')}.`;
      warnOfField(`argument ${isField ? name : ''}`, message);
    }
  } catch {
    // Arguments that cannot be listed.
  }
}

/** Warns of times for a span whose handle cannot set them. */
function warnOfTimes() {
  const which =
    '`metrics.start` and `metrics.end` of a span that Flue or another process has begun';
  warnOfField('times', `${which} are ignored; \`updateSpan\` sets them.`);
}

/** @param {string} name @param {string} message */
function warnOfField(name, message) {
  warn('BAD_FIELD', message, `field ${name}`);
}

module.exports = { spanEventOf, warnOfArguments, warnOfTimes };
