'use strict';

// `index.js` for `index.mjs`: nothing where a tool evaluates this as an ES module, or has put it into a bundle in which it
// cannot load the modules of Node. An error of its own comes again when `index.mjs` loads the package.

if (typeof module === 'object') {
  try {
    module.exports = require('./index.js');
  } catch {
    module.exports = {};
  }
}
