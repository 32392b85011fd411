'use strict';

// The ids of custom spans, and which traces begin in this process.

const { randomUUID } = require('../builtins/index.js');
const { dropOldest } = require('../drop-oldest.js');
const { warn } = require('../warn.js');
const { read } = require('./arguments.js');
const { HEX_16, HEX_32 } = require('./trace-context.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

/** The traces that spans of this process have begun: a slug may name a span in one of them. The oldest first. @type {Set<string>} */
const begun = new Set();
const MAX_BEGUN = 16_384;

/** @param {string} traceId of a trace that begins here */
function noteTrace(traceId) {
  begun.add(traceId);
  dropOldest(begun, MAX_BEGUN);
}

/** Whether a span of this process has begun a trace. @param {string} traceId */
const hasBegunTrace = (traceId) => begun.has(traceId);

const newId = () => randomUUID().replaceAll('-', '');

/** A random UUID; empty outside of a request of a Worker, where nothing is random. */
function optionalUUID() {
  try {
    return randomUUID();
  } catch {
    return '';
  }
}

/**
 * The id of a row: that of the arguments if it has the form of ours, whose first half is the id of the span.
 * @param {StartSpanArgs | undefined} args
 */
function rowIdOf(args) {
  const id = read(read(args, 'event'), 'id');
  if (typeof id === 'string' && HEX_32.test(id)) return id;
  const spanId = read(args, 'spanId');
  if (typeof spanId === 'string' && HEX_16.test(spanId)) {
    return spanId + newId().slice(16);
  }
  if (isGiven(id) || isGiven(spanId)) {
    warn('BAD_ID', 'A span has ids of 16 and 32 lowercase hexadecimal digits; others are ignored.');
  }
  return newId();
}

/** @param {unknown} value */
const isGiven = (value) => value !== undefined && value !== null;

module.exports = { hasBegunTrace, newId, noteTrace, optionalUUID, rowIdOf };
