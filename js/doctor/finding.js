'use strict';

// What checks tell.

/**
 * What one check found.
 *
 * @typedef {object} Finding
 * @property {'ok' | 'warning' | 'failed' | 'skipped'} status
 * @property {string} detail
 * @property {string} [advice] what to do
 * @property {string} [link] of the test trace
 */

/**
 * What came of trying to connect, as the native part tells it.
 *
 * @typedef {object} Probe
 * @property {Place | null} session
 * @property {{ step: string, message: string, status: number | null } | null} failure
 * @property {string | null} complaint about NODE_EXTRA_CA_CERTS
 * @property {number} tookMs
 */

/** @typedef {{ organisation: string | null, projectId: string, apiUrl: string, proxy: string | null, limit: number | null, maxBytes: number }} Place */

/**
 * What the checks learn on their way.
 *
 * @typedef {object} Known
 * @property {boolean} [native] whether the native part is there
 * @property {string} [settings]
 * @property {import('../cli/destination').Plan} [plan]
 * @property {Probe} [probe]
 */

/** @type {Finding} */
const SKIPPED = { status: 'skipped', detail: 'not tried, because of what is wrong above' };

module.exports = { SKIPPED };
