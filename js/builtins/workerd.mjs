// `#builtins` of a Worker. Static imports: bundlers turn a `require` of a built-in module into one that throws.

import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import * as isolate from './isolate.mjs';

export * from './isolate.mjs';
export { AsyncLocalStorage, types };

/** What `require` gives where no bundler comes between: workerd takes the default export of a module. */
export default { ...isolate, AsyncLocalStorage, types };
