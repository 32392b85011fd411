'use strict';

/**
 * The native part. Throws an error that names the true cause when there is none for this machine.
 * @returns {typeof import('../native.d.ts')}
 */
function loadNative() {
  try {
    return require('../native.js');
  } catch (error) {
    throw new Error(
      `The native part of flue-braintrust could not be loaded for ${platform()}: ${trueCause(error)}`,
      { cause: error },
    );
  }
}

const platform = () => `${process.platform}-${process.arch}, Node ${process.versions.node}`;

/**
 * The generated loader tries several places and reports a chain of errors under a message of its own.
 * A file that was found and would not load tells more than one that was not found.
 * @param {unknown} error
 * @returns {string}
 */
function trueCause(error) {
  const causes = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
  const found = causes.filter(
    ({ message }) => !/^Cannot find |^Failed to load native/.test(message),
  );
  const [told] = found.length > 0 ? found : causes.slice(-1);
  return told?.message.split('\n')[0] ?? String(error);
}

module.exports = { loadNative };
