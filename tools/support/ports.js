'use strict';

// The ports of the local collector.

/**
 * The default port: T, R, C, E on the keys of a telephone. IANA has assigned no service to it, nor to the four after
 * it, and no widespread developer tool listens there.
 */
const DEFAULT_PORT = 8723;

/** The ports that `dev` tries after the default one. */
const OTHER_PORTS = [8724, 8725, 8726, 8727];

module.exports = { DEFAULT_PORT, OTHER_PORTS };
