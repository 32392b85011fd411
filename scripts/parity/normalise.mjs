/** Makes what two runs wrote comparable: what is made up anew in every run becomes a placeholder. */

const idFields = {
  runId: 'run',
  operationId: 'operation',
  turnId: 'turn',
  taskId: 'task',
};

const made = [
  // ULIDs and UUIDs, with Flue's prefix.
  [
    /(?<![0-9A-Za-z])[a-z]+_[0-9A-HJKMNP-TV-Z]{26}(?![0-9A-Za-z])/g,
    (id) => `<${id.split('_')[0]}>`,
  ],
  [/(?<![0-9A-Za-z])[0-9A-HJKMNP-TV-Z]{26}(?![0-9A-Za-z])/g, () => '<id>'],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, () => '<uuid>'],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, () => '<time>'],
];

/**
 * @param {object[]} events Flue's own, of the same run
 * @param {Map<string, string>} names of the run's activities
 * @returns {(value: unknown) => unknown} replaces ids of activities by their names, other ids and times
 *   by their kind, in a copy
 */
export function normaliser(events, names) {
  const known = new Map();
  for (const event of events) {
    for (const [field, kind] of Object.entries(idFields)) {
      const id = event[field];
      const name = id && names.get(`${kind} ${id}`);
      if (name) known.set(id, `<${name}>`);
    }
  }

  const replaceText = (text) => {
    const whole = known.get(text);
    if (whole) return whole;
    return made.reduce((text, [pattern, replace]) => text.replaceAll(pattern, replace), text);
  };
  const replace = (value) => {
    if (typeof value === 'string') return replaceText(value);
    if (Array.isArray(value)) return value.map(replace);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item)]));
  };
  return replace;
}
