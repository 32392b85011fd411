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
 * @property {SettingSource[]} [settings] what applies, and where it is set
 */

/**
 * A setting and where it is set.
 *
 * @typedef {object} SettingSource
 * @property {string} setting
 * @property {string} [value] what applies; never that of a secret
 * @property {'variable' | 'env-file' | '.env.braintrust' | 'default'} source
 * @property {string} [variable]
 * @property {string} [file] that it is in
 */

/**
 * State that earlier checks pass to later ones.
 *
 * @typedef {object} Known
 * @property {import('../support/destination').EnvFile} [envFile] what `--env-file` names
 * @property {boolean} [native] whether the native part is there
 * @property {import('../support/destination').Settings} [settings]
 * @property {import('../../js/native-types.d.ts').Plan} [plan]
 * @property {import('../../js/native-types.d.ts').Probe} [probe]
 */

/** @type {Finding} */
const SKIPPED = { status: 'skipped', detail: 'skipped: an earlier check failed' };

module.exports = { SKIPPED };
