'use strict';

// The result of a check.

/**
 * The result of one check.
 *
 * @typedef {object} Finding
 * @property {'ok' | 'warning' | 'failed' | 'skipped'} status
 * @property {string} detail
 * @property {string} [advice] what to do
 * @property {string} [link] of the test trace
 */

/**
 * State that earlier checks pass to later ones.
 *
 * @typedef {object} Known
 * @property {boolean} [native] whether the native part is there
 * @property {import('../support/destination').Settings} [settings]
 * @property {import('../../js/native-types.d.ts').Plan} [plan]
 * @property {import('../../js/native-types.d.ts').Probe} [probe]
 */

/** @type {Finding} */
const SKIPPED = { status: 'skipped', detail: 'not tried, because of what is wrong above' };

module.exports = { SKIPPED };
