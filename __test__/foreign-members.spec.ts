import { startCollector } from '../tools/collector';
import { braintrustFlueObserver, close, flush, initLogger, traced } from '..';
import { kindsOf } from '../js/capture';
import { loadNative } from '../js/native-loader';
import { PATIENT } from './support/run';

const observe = braintrustFlueObserver as (event: any) => void;

/** Members with the names of those that this package adds to the texts of events. */
const FOREIGN = {
  caller: { spanId: '1'.repeat(16), rootSpanId: '2'.repeat(32), isWithin: true },
  propagated: { name: 'foreign', metadata: { foreign: true } },
  enrichment: { tags: ['foreign'] },
  sampled: false,
  traceCarrier: { traceparent: `00-${'3'.repeat(32)}-${'4'.repeat(16)}-01` },
  callingTool: { toolCallId: 'foreign' },
  callingSpan: 'foreign',
  outerSpan: 'foreign',
  firstDeltaAt: 1,
};

const at = (second: number) => new Date(1_795_417_364_000 + second * 1000).toISOString();

/** A row without its ids, with the names of its parents and of the root of its trace. */
function described(row: any, nameOf: (id: unknown) => string, rootOf: (trace: unknown) => string) {
  const { span_attributes: label, root_span_id, span_parents, input, tags, metrics } = row;
  // The caller's times are those of the clock.
  const numbers = label.name === 'caller' ? undefined : metrics;
  const sampled = row.metadata?.['flue.sampled'];
  const parents = span_parents?.map(nameOf);
  return JSON.stringify({
    label,
    root: rootOf(root_span_id),
    parents,
    input,
    tags,
    numbers,
    sampled,
  });
}

/** The spans of a run that another span calls, and of a submission. */
async function spansWith(members: object, inner: object, runId: string, submissionId: string) {
  const collector = await startCollector();
  try {
    initLogger({
      apiKey: 'k',
      appUrl: collector.url,
      apiUrl: collector.url,
      enrich: () => ({ tags: ['own'] }),
      sample: () => true,
    });
    const emit = (type: string, second: number, ids: object) =>
      observe({ v: 3, type, timestamp: at(second), ...ids, ...members });
    traced(() => emit('run_start', 0, { runId, workflowName: 'tides' }), { name: 'caller' });
    for (const ids of [{ runId }, { submissionId, conversationId: 'c' }]) {
      const operation = { ...ids, operationId: JSON.stringify(ids), operationKind: 'prompt' };
      const turn = { ...operation, turnId: `turn of ${operation.operationId}`, purpose: 'agent' };
      if ('submissionId' in ids) emit('submission_queued', 1, ids);
      emit('operation_start', 2, operation);
      // Not frozen: the request is written in full.
      const input = { messages: [{ role: 'user', content: 'Ebb?' }], ...inner };
      emit('turn_request', 3, { ...turn, request: { input } });
      emit('text_delta', 4, { ...turn, text: 'ebb' });
      emit('turn', 5, { ...turn, response: { usage: { input: 1, output: 2 } } });
      emit('operation', 6, operation);
    }
    emit('run_end', 7, { runId });
    const { complete, lost } = await flush(PATIENT);
    expect({ complete, lost }).toEqual({ complete: true, lost: {} });
    const rows: any[] = collector.rows();
    const nameOf = (id: unknown) => rows.find((row) => row.span_id === id)?.span_attributes.name;
    const rootOf = (trace: unknown) =>
      rows.find((row) => row.root_span_id === trace && !row.span_parents)?.span_attributes.name;
    return rows.map((row) => described(row, nameOf, rootOf)).toSorted();
  } finally {
    await close();
    await collector.close();
  }
}

test('members of events that a later Flue may have decide nothing in place of those that are added', async () => {
  const own = await spansWith({}, {}, 'run-1', 'sub-1');
  expect(own).toHaveLength(6);
  expect(await spansWith(FOREIGN, { history: { kept: 1 } }, 'run-2', 'sub-2')).toEqual(own);
});

test('an event of a later Flue that is named like one of this package is of no kind that matters', () => {
  const kinds = kindsOf(loadNative());
  for (const type of ['span_start', 'span_log', 'span_end', 'history_forgotten', 'feedback']) {
    expect(kinds.has(type)).toBe(false);
  }
  expect(kinds.has('run_start')).toBe(true);
});
