'use strict';

// Text without API keys: an argument may be one, and so may a line of a file.

const { hideKeys, withoutKeys: withoutKnown } = require('../../js/hidden-keys');

/** Keys of Braintrust by their form, and what the variable is set to. */
const FORM =
  /(?<=^|[^\w-]|%[\da-f]{2})(?:sk|bt-st)-(?=\w*\d)\w{16,}|(?<=BRAINTRUST_API_KEY=["']?)[^\s"']{16,}/gi;

/** The text with asterisks in the place of keys. @param {string} text */
function withoutKeys(text) {
  hideKeys([process.env.BRAINTRUST_API_KEY]);
  return withoutKnown(text).replace(FORM, (key) => '*'.repeat(key.length));
}

module.exports = { withoutKeys };
