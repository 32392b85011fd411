'use strict';

// The functions of `JSON` as they are when this package is loaded: tests replace those of the global object, and count
// their calls.

const { parse, stringify } = JSON;

module.exports = { JSON: { parse, stringify } };
