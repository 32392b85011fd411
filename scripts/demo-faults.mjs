/**
 * Everything that is wrong with what the collector received, in words; nothing when all is well.
 *
 * @param {{ traces(): object[], problems: { rowId: string | null, problem: string }[] }} collector
 * @param {{ root: string, spans: string[] }[]} programs
 * @returns {string[]}
 */
export function demoFaults(collector, programs) {
  const traces = collector.traces();
  const problems = [...collector.problems, ...traces.flatMap((trace) => trace.problems)];
  const faults = [
    ...programs.flatMap((program) => programFaults(program, traces)),
    ...traces.flatMap(traceFaults),
    ...problems.map(({ rowId, problem }) => `${rowId ?? 'A request'}: ${problem}`),
  ];
  if (traces.length !== programs.length) {
    faults.unshift(`${traces.length} traces arrived instead of ${programs.length}.`);
  }
  return [...new Set(faults)];
}

function programFaults({ root, spans }, traces) {
  const trace = traces.find(({ roots }) => roots.length === 1 && roots[0].name === root);
  if (!trace) return [`No trace with the root \`${root}\` arrived.`];
  const names = new Set(trace.spans.map((span) => span.name));
  return spans
    .filter((name) => !names.has(name))
    .map((name) => `The trace of \`${root}\` has no span \`${name}\`.`);
}

function traceFaults({ spans }) {
  const open = spans.filter((span) => span.end === null);
  const unpriced = spans
    .filter((span) => span.type === 'llm')
    .filter(({ metrics }) => !(metrics.tokens > 0 && metrics.estimated_cost > 0));
  return [
    ...open.map(({ name, spanId }) => `The span \`${name}\` (${spanId}) was never closed.`),
    ...unpriced.map(({ name, spanId }) => `The span \`${name}\` (${spanId}) lacks tokens or cost.`),
  ];
}
