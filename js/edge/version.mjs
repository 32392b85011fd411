/** That of the package; `scripts/version.mjs` sets it. */
export const VERSION = '0.1.0';
