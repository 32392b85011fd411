/** What Flue delivers instead of a value: see its `createObservation`. @param {any} value */
export function frozenClone(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenClone));
  const copy = {};
  for (const key of Object.keys(value)) copy[key] = frozenClone(value[key]);
  return Object.freeze(copy);
}
