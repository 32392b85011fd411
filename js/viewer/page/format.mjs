// Numbers and times as people read them. The page cannot load CommonJS, so it has its own.

/** @param {number} seconds @returns {string} such as `320 ms`, `1.24 s`, `2 m 03 s`, `1 h 02 m` */
export function duration(seconds) {
  const ms = Math.round(seconds * 1000);
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const whole = Math.round(ms / 1000);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} m ${twoDigits(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} m`;
}

/** @param {number} n */
function twoDigits(n) {
  return String(n).padStart(2, '0');
}

/** @param {number} n */
export function count(n) {
  return n.toLocaleString('en-US');
}

/** @param {number} n @param {string} noun @returns {string} such as `1 span`, `1,204 spans` */
export function counted(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** @param {number} dollars */
export function cost(dollars) {
  return dollars > 0 && dollars < 0.0001 ? '<$0.0001' : `$${dollars.toFixed(4)}`;
}

/** @param {number} seconds since the epoch @returns {string} with the day, unless it is today */
export function time(seconds) {
  const at = new Date(seconds * 1000);
  const clock = at.toLocaleTimeString(undefined, { hour12: false });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? clock : `${at.toLocaleDateString()} ${clock}`;
}

/** The types that have a colour of their own. */
const COLOURED = new Set(['llm', 'tool', 'task', 'function']);

/** @param {string} type @returns {string} the class that colours it */
export function typeClass(type) {
  return `type-${COLOURED.has(type) ? type : 'other'}`;
}
