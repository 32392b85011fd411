/**
 * The `braintrust` package, an optional peer. The import is dynamic and guarded, because bundlers build
 * such a one although the package is missing, where a static import fails the build.
 */

/** The versions that the tests run; `peerDependencies` says the same. */
export const PEER_RANGE = '^3.28.0';

/** @typedef {typeof import('braintrust')} Braintrust */

/** @type {unknown} */
let failure;

async function load() {
  try {
    return await import('braintrust');
  } catch (error) {
    failure = error;
    return undefined;
  }
}

/** Undefined where it is not installed. @type {Braintrust | undefined} */
export const peer = await load();

/** Why there is none; throws if there is none. @returns {Braintrust} */
export function requirePeer() {
  if (peer !== undefined) return peer;
  const cause = failure instanceof Error ? failure.message : String(failure);
  throw new Error(
    `outside of Node traces are delivered by the \`braintrust\` package, which is not there ` +
      `(run \`npm install braintrust@${PEER_RANGE}\`): ${cause}`,
  );
}
