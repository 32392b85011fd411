// What time it is, for running spans.

import { useEffect, useState } from 'preact/hooks';

import { formatDuration } from '../../support/format.js';

const TICK_MS = 1000;

/** The time in seconds since the epoch, each second anew while something runs. @param {boolean} isRunning */
export function useNow(isRunning) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    if (!isRunning) return undefined;
    const tick = () => setNow(Date.now() / 1000);
    tick();
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}

/**
 * How long something has been running, without parts of a second: it changes while one reads it.
 *
 * @param {number | null} start seconds since the epoch
 * @param {number} now
 * @returns {string} such as `running 12 s`; without a number when the clocks do not agree
 */
function formatRunning(start, now) {
  if (start === null || now < start) return 'running';
  const seconds = Math.floor(now - start);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (seconds < 60) return `running ${seconds} s`;
  if (hours === 0) return `running ${minutes} m ${seconds % 60} s`;
  return hours < 48 ? `running ${hours} h ${minutes} m` : `running ${Math.floor(hours / 24)} d`;
}

/**
 * How long a span took, or has been running.
 *
 * @param {{ start: number | null, end: number | null }} span seconds since the epoch
 * @param {boolean} isLost open, but nothing will end it
 * @param {number} now
 */
export function tookOf({ start, end }, isLost, now) {
  if (end === null) return isLost ? 'no end' : formatRunning(start, now);
  return start === null ? '' : formatDuration(Math.max(end - start, 0));
}
