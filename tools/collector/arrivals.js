'use strict';

// What has arrived so far, in words.

const { counted } = require('../support/format');

/** @param {Pick<import('./types').Collector, 'requests' | 'problems' | 'rows'>} collector @returns {string} */
function describeArrivals(collector) {
  const requests = collector.requests
    .slice(-20)
    .map(({ method, path, status }) => `${method} ${path} → ${status ?? 'no answer'}`);
  const problems = collector.problems.slice(-10).map(({ problem }) => problem);
  return [
    `${counted(collector.requests.length, 'request')}, ${counted(collector.rows().length, 'row')}`,
    `last requests: ${requests.join(', ') || 'none'}`,
    `last problems: ${problems.join('; ') || 'none'}`,
  ].join('; ');
}

module.exports = { describeArrivals };
