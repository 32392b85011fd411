/** The types that have a colour of their own. */
const COLOURED = new Set(['llm', 'tool', 'task', 'function']);

/** @param {string} type @returns {string} the class that colours it */
export function typeClass(type) {
  return `type-${COLOURED.has(type) ? type : 'other'}`;
}
