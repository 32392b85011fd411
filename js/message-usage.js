'use strict';

// Usage that Flue reports with the message of a model, and not with its turn.

const { stringify } = require('./json/stringify.js');

/**
 * Whether the message of a model states how many tokens it reasoned with, or which it wrote to the cache for an hour.
 * @param {any} event `message_end`
 */
function reportsUsage({ message }) {
  const { reasoning, cacheWrite1h } = message?.usage ?? {};
  return typeof reasoning === 'number' || typeof cacheWrite1h === 'number';
}

/**
 * The text of the event with that usage alone. What was written to the cache includes what stays for an hour.
 * @param {any} event `message_end`
 */
function usageText({ message, ...event }) {
  const { reasoning, cacheWrite, cacheWrite1h } = message.usage;
  return stringify({ ...event, usage: { reasoning, cacheWrite, cacheWrite1h } });
}

module.exports = { reportsUsage, usageText };
