/**
 * The package on Cloudflare: the `workerd` condition of `exports` leads here. Same names as on Node,
 * delivered by the `braintrust` package, with each upload tied to the life of the request or the Durable
 * Object that caused it.
 */
// All of it, because an older runtime has no `waitUntil` and would refuse the import of that name.
import * as workers from 'cloudflare:workers';
import { tieTo } from './lifetime.mjs';

tieTo((promise) => workers.waitUntil?.(promise));

export * from './tracing.mjs';
