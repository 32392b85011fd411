'use strict';

// A local stand-in for Braintrust, for `dev`, the demo, and every test. Stricter than Braintrust, so that faults
// show. Knows nothing of the exporter.

const { Collector } = require('./collector');

/**
 * Starts a local collector that stands in for Braintrust.
 *
 * @param {import('./types').CollectorOptions} [options]
 * @returns {Promise<import('./types').Collector>} listening; rejects when the port or the file cannot be opened
 */
async function startCollector(options = {}) {
  const collector = new Collector(options);
  await collector.start();
  return collector;
}

module.exports = { startCollector };
