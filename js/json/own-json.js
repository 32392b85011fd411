'use strict';

// The functions of `JSON` as they are when this package is loaded: tests replace those of the global object, and count
// their calls.

const { parse, stringify } = JSON;
// An ES module imports it by its name: Node finds the name only if a variable follows.
const own = { parse, stringify };

module.exports = { JSON: own };
