'use strict';

// The counters of an exporter that has recorded nothing.

const NO_ACCOUNTS = Object.freeze({
  accepted: 0,
  sent: 0,
  pending: 0,
  spooled: 0,
  lost: Object.freeze({}),
});

/** @type {import('../index.d.ts').Stats} */
const NO_STATS = Object.freeze({
  ...NO_ACCOUNTS,
  events: 0,
  bytes: NO_ACCOUNTS,
  cut: 0,
  sampled: 0,
  requests: 0,
  retries: 0,
  bytesSent: 0,
  openSpans: 0,
  attachments: Object.freeze({
    accepted: 0,
    uploaded: 0,
    pending: 0,
    lost: Object.freeze({}),
    bytes: 0,
  }),
  lastError: null,
});

module.exports = { NO_STATS };
