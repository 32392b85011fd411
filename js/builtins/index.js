'use strict';

// What the shared modules use of the host. Resolved once, because each `#builtins` adds half a millisecond to the
// import.

module.exports = require('#builtins');
