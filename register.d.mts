/** Starts the tracing on import: `node --import flue-braintrust/register server.mjs`. */
// oxlint-disable-next-line unicorn/require-module-specifiers
export {};
