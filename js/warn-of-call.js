'use strict';

// Warns of calls on spans that failed.

const { classOf } = require('./json/describe.js');
const { warn } = require('./warn.js');

/**
 * Warns of a call on a span that failed, once for each call and class of error.
 * @param {string} what what has failed, as a sentence without a full stop
 * @param {unknown} error
 */
function warnOfCall(what, error) {
  const message = `${what} (${classOf(error)}).`;
  warn('BAD_SPAN', message, message);
}

module.exports = { warnOfCall };
