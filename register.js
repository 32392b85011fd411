'use strict';

// `node --require flue-braintrust/register`, which does not wait until the tracing has started.

const { isStrict } = require('./js/variables.js');
const { messageOf } = require('./js/json/json-safe-copy.js');
const { warn } = require('./js/warn.js');

import('./register.mjs').then(undefined, (error) => {
  if (isStrict()) throw error;
  warn('UNREGISTERED', `${messageOf(error)}; the application runs on without tracing.`);
});
warn(
  'UNREGISTERED',
  'loaded by `--require`, which does not wait: what runs meanwhile is not traced. Use `--import`.',
);
