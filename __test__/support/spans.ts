const PROJECT = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
const EPOCH = 1_800_000_000;

/** A span as a client sends it. */
export interface Sent {
  /** Its number in its trace; 0 for the root. */
  n: number;
  trace?: number;
  parent?: number;
  name: string;
  type?: string;
  /** Seconds since the trace began. */
  start: number;
  /** The same; absent while it runs. */
  end?: number;
  [field: string]: unknown;
}

export const traceId = (trace = 1) => trace.toString(16).padStart(32, '0');
export const spanId = (n: number, trace = 1) =>
  (trace * 1_000_000 + n).toString(16).padStart(16, '0');

/** Makes the row of a span. */
export function row({ n, trace = 1, parent, name, type = 'task', start, end, ...fields }: Sent) {
  const { metrics, ...rest } = fields;
  return {
    id: `row-${trace}-${n}`,
    span_id: spanId(n, trace),
    root_span_id: traceId(trace),
    ...(parent === undefined ? {} : { span_parents: [spanId(parent, trace)] }),
    project_id: PROJECT,
    log_id: 'g',
    _is_merge: true,
    created: new Date((EPOCH + start) * 1000).toISOString(),
    span_attributes: { name, type },
    metrics: {
      start: EPOCH + start,
      ...(end === undefined ? {} : { end: EPOCH + end }),
      ...(metrics as object | undefined),
    },
    ...rest,
  };
}

/** Sends spans to a collector as a client does. */
export async function send(url: string, ...spans: Sent[]) {
  const response = await fetch(`${url}/logs3`, {
    method: 'POST',
    headers: { authorization: 'Bearer local' },
    body: JSON.stringify({ rows: spans.map(row), api_version: 2 }),
  });
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
}

/** The row of a comment, as a client sends it. */
export const commentOn = (about: string, id: string, text: string) => ({
  id,
  project_id: PROJECT,
  log_id: 'g',
  _audit_source: 'app',
  comment: { text },
  origin: { id: about },
});
