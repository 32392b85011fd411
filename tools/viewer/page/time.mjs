// Time that passes.

import { useEffect, useState } from 'preact/hooks';

/**
 * @template T
 * @param {T} value
 * @param {number} ms
 * @returns {T} what the value was when it last stood still for so long
 */
export function useSettled(value, ms) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/**
 * @param {number} ms
 * @returns {number} seconds since the epoch, updated after so many milliseconds
 */
export function useNow(ms) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}
