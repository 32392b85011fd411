'use strict';

// `node --require flue-braintrust/register`, which does not wait until the tracing has started.

const { hasKey } = require('./js/environment.js');
const { messageOf } = require('./js/json/describe.js');
const { isStrict } = require('./js/variables.js');
const { warn } = require('./js/warn.js');

if (hasKey()) {
  import('./register.mjs').catch((error) => {
    if (isStrict()) throw error;
    warn('UNREGISTERED', `${messageOf(error)}; the application runs on without tracing.`);
  });
  warn(
    'UNREGISTERED',
    'loaded by `--require`, which does not wait: what runs meanwhile is not traced. Use `--import`.',
  );
}
