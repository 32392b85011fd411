/** Starts the tracing, and does not wait for it; prefer `node --import flue-braintrust/register`. */
// oxlint-disable-next-line unicorn/require-module-specifiers
export {};
