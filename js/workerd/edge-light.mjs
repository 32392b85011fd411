/**
 * The package on other edge runtimes: the `edge-light` condition of `exports` leads here. There the
 * `braintrust` package itself ties its uploads to the request, where the platform lets it.
 */
export * from './tracing.mjs';
