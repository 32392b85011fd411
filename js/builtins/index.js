'use strict';

// What the shared modules use of the host, resolved once: each `#builtins` takes half a millisecond of the import.

module.exports = require('#builtins');
