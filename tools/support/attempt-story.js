'use strict';

// Describes attempts in words. The viewer's page bundles this file, too: it uses nothing of Node.

const { formatDuration } = require('./format');

/** @typedef {import('./attempts').Attempt} Attempt */

/** The most attempts that are named one by one. Of more, only the first two and the last are named. */
const NAMED_ATTEMPTS = 4;

/**
 * What happened, in words, such as `attempt 1 died in weigh_cargo; 32.8 s later attempt 2 of 10 finished`.
 *
 * @param {Attempt[]} attempts
 * @param {number | null} maxAttempts
 * @param {number} unseen
 * @param {string | null} name of the span, where attempts have no number
 */
function storyOf(attempts, maxAttempts, unseen, name) {
  const parts = attempts.map((attempt, i) => {
    const isLast = i === attempts.length - 1;
    const before = attempts[i - 1]?.pause ?? null;
    const of = isLast && maxAttempts !== null ? ` of ${maxAttempts}` : '';
    const subject = name ?? `attempt ${attempt.number}${of}`;
    return `${before === null ? '' : `${formatPause(before)} later `}${subject} ${endingOf(attempt)}`;
  });
  const named =
    parts.length <= NAMED_ATTEMPTS
      ? parts
      : [...parts.slice(0, 2), `${parts.length - 3} more did not finish`, ...parts.slice(-1)];
  if (unseen === 0) return named.join('; ');
  const missing = `${unseen === 1 ? 'an attempt' : `${unseen} attempts`} left no span`;
  return [...named.slice(0, -1), missing, ...named.slice(-1)].join('; ');
}

/** @param {Attempt} attempt */
function endingOf({ state, where }) {
  const place = where === null ? '' : ` in ${where}`;
  switch (state) {
    case 'died':
      return `died${place}`;
    case 'stopped':
      return `was stopped${place}`;
    case 'running':
      return 'is running';
    default:
      return state;
  }
}

/** @param {number} seconds @returns {string} such as `32.8 s` */
function formatPause(seconds) {
  return seconds >= 0.9995 && seconds < 59.95 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

module.exports = { formatPause, storyOf };
