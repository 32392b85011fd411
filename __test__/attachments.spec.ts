import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector, Fault, InterceptedRequest } from '../tools/collector/types';
import { destination, run, withDirectory } from './support/run';

const IMAGES = '__test__/fixtures/images.mjs';
const FIXTURE = '__test__/fixtures/attachments.mjs';

/** The signature of a PNG, and noise. */
const IMAGE = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
  randomBytes(600),
]);
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Whether parts of the file have left as base64 or as a list of numbers. */
function leaked(received: string): string[] {
  const encoded = IMAGE.toString('base64');
  const parts: string[] = [];
  for (let at = 0; at + 24 <= encoded.length; at += 24) parts.push(encoded.slice(at, at + 24));
  for (let at = 0; at + 12 <= IMAGE.length; at += 12) {
    parts.push([...IMAGE.subarray(at, at + 12)].join(','));
  }
  const plain = received.replaceAll('\\', '');
  return parts.filter((part) => plain.includes(part));
}

/** Runs a fixture with a collector; also returns the bodies of rows. */
async function traced(
  args: string[],
  env: Record<string, string>,
  check: (collector: Collector, ending: Awaited<ReturnType<typeof run>>, rows: string) => void,
  fault: (request: InterceptedRequest) => Fault | undefined = () => undefined,
) {
  const bodies: string[] = [];
  const collector = await startCollector({
    intercept: (request) => {
      if (request.path === '/logs3') bodies.push(request.bodyText);
      return fault(request);
    },
  });
  try {
    const variables = { FLUE_BRAINTRUST_ATTACHMENTS: 'true', ...env };
    const ending = await run(args, { ...destination(collector), ...variables });
    check(collector, ending, bodies.join('\n'));
  } finally {
    await collector.close();
  }
}

const paths = (collector: Collector, path: string) =>
  collector.requests.filter((request) => request.path.startsWith(path));

test.each(['auto', 'full', 'delta'])(
  'a file in any shape is uploaded once, and every span refers to it: turnInput %s',
  (turnInput) =>
    withDirectory(async (directory) => {
      const [data, ordinary] = [join(directory, 'data'), join(directory, 'ordinary.json')];
      writeFileSync(data, IMAGE.toString('base64'));
      writeFileSync(ordinary, JSON.stringify({ word: 'x'.repeat(3_000) }));
      await traced([IMAGES, data, ordinary, turnInput], {}, (collector, { code, stderr }, rows) => {
        expect([code, stderr]).toEqual([0, '']);
        const attachments = collector.attachments();
        const found = attachments.filter(({ bytes }) => digest(bytes!) === digest(IMAGE));
        expect(found).toHaveLength(1);
        const [attachment] = found;
        expect(attachment).toMatchObject({ status: 'done', uploads: 1 });
        expect(attachments.every(({ uploads, status }) => uploads === 1 && status === 'done')).toBe(
          true,
        );
        expect(leaked(rows)).toEqual([]);
        expect(collector.rows()).toHaveLength(8);
        for (const row of collector.rows()) expect(JSON.stringify(row)).toContain(attachment!.key);
        const own: any = collector.rows().find((row: any) => row.span_attributes.name === 'own');
        expect(own.input[3].image_url.url).toEqual({
          type: 'braintrust_attachment',
          key: attachment!.key,
          filename: attachment!.filename,
          content_type: attachment!.contentType,
        });
        expect(collector.problems).toEqual([]);
      });
    }),
);

test('files are delivered when process.exit follows at once', () =>
  traced([FIXTURE, 'exit'], {}, (collector, { code, stderr }) => {
    expect([code, stderr]).toEqual([0, '']);
    expect(collector.attachments().map(({ status, uploads }) => [status, uploads])).toEqual([
      ['done', 1],
      ['done', 1],
      ['done', 1],
    ]);
    expect(collector.rows()).toHaveLength(3);
  }));

test('rows arrive when the server refuses attachments, which one line reports', () =>
  traced(
    [FIXTURE, 'flush'],
    {},
    (collector, { code, stdout, stderr }) => {
      expect(code).toBe(0);
      expect(collector.rows()).toHaveLength(3);
      expect(collector.attachments()).toEqual([]);
      expect(stderr).toMatch(/FLUE_BRAINTRUST_LOST: 1 attachment is lost \(rejected\): .*403/);
      expect(stderr.match(/FLUE_BRAINTRUST_LOST/g)).toHaveLength(1);
      const { attachments, accepted, sent } = JSON.parse(stdout);
      expect(attachments).toEqual({
        accepted: 3,
        uploaded: 0,
        pending: 0,
        lost: { rejected: 3 },
        bytes: 0,
      });
      expect(accepted).toBe(sent);
    },
    ({ path }) => (path.startsWith('/attachment') ? { status: 403 } : undefined),
  ));

test('a storage that fails for a while has the file in the end', () => {
  let failures = 0;
  return traced(
    [FIXTURE, 'flush'],
    {},
    (collector, { code, stderr }) => {
      expect([code, stderr]).toEqual([0, '']);
      expect(collector.attachments().map(({ status }) => status)).toEqual(['done', 'done', 'done']);
      expect(failures).toBeGreaterThan(3);
    },
    ({ path }) =>
      path.startsWith('/attachment-uploads') && failures++ < 4 ? { status: 503 } : undefined,
  );
});

test('a storage that never answers delays the exit no longer than rows do, and the loss is reported', () =>
  traced(
    [FIXTURE, 'exit'],
    { FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '1500' },
    (collector, { code, stderr }) => {
      expect(code).toBe(0);
      expect(collector.rows()).toHaveLength(3);
      expect(stderr).toContain('3 attachments are lost (3 not_delivered_at_exit)');
    },
    ({ path }) => (path.startsWith('/attachment-uploads') ? { hang: true } : undefined),
  ));

test.each([
  ['content: false', { FLUE_BRAINTRUST_CONTENT: 'false' }, 'none', /^$/],
  ['a policy without input and output', {}, 'policy', /^$/],
  // The context of a span cannot be a text.
  ['a masking function that removes the fields', {}, 'masked', /^.*_BAD_MASK: .* `context`.*\n$/],
  ['a redacted member', {}, 'redacted', /^$/],
  ['`attachments: false`', { FLUE_BRAINTRUST_ATTACHMENTS: 'false' }, 'none', /^$/],
])('nothing is uploaded with %s', (_name, env, mode, lines) =>
  traced([FIXTURE, 'flush', mode], env as Record<string, string>, (collector, { code, stderr }) => {
    expect([code, stderr]).toEqual([0, expect.stringMatching(lines)]);
    expect(paths(collector, '/attachment')).toEqual([]);
    expect(collector.rows()).toHaveLength(3);
  }),
);

test('a masking function sees references, and what it leaves is uploaded', () =>
  traced([FIXTURE, 'flush', 'seen'], {}, (collector, { code, stderr }) => {
    expect([code, stderr]).toEqual([0, '']);
    expect(collector.attachments().map(({ status }) => status)).toEqual(['done', 'done', 'done']);
  }));
