import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import { destination, run, withDirectory } from './support/run';

interface Seen {
  sound: string;
  toolCallId: string;
  tool: { spanId: string; rootSpanId: string };
  theirs: { spanId: string; rootSpanId: string };
  below: string;
}

const VERSIONS = [
  ['3.35', 'braintrust'],
  ['3.17', '../lines/node_modules/braintrust-3.17/dist/index.mjs'],
] as const;

test.each(VERSIONS)(
  'what braintrust %s traces inside a tool lies below the tool, and what we trace inside that below it',
  (_version, name) =>
    withDirectory(async (directory) => {
      const collector = await startCollector();
      const file = join(directory, 'seen.ndjson');
      try {
        const args = ['__test__/fixtures/interop.mjs', name, file];
        const { code, stderr } = await run(args, destination(collector));
        expect(stderr).not.toContain('[flue-braintrust]');
        expect(code).toBe(0);
        const lines = readFileSync(file, 'utf8').trim().split('\n');
        const sightings = lines.map((line) => JSON.parse(line) as Seen);
        expect(sightings.map(({ sound }) => sound).toSorted()).toEqual(['quack', 'ribbit']);

        const rows = collector.rows() as any[];
        for (const { sound, toolCallId, tool, theirs, below } of sightings) {
          const row = (id: string) => rows.find(({ span_id: spanId }) => spanId === id);
          const own = row(tool.spanId);
          expect(own.span_attributes).toMatchObject({ name: 'tool:identify', type: 'tool' });
          expect(own.metadata['flue.tool_call_id']).toBe(toolCallId);
          expect(own.input).toEqual({ sound });

          const asked = row(theirs.spanId);
          expect(asked.span_attributes.name).toBe(`ask ${sound}`);
          expect(asked.span_parents).toEqual([tool.spanId]);
          expect(asked.root_span_id).toBe(tool.rootSpanId);

          const inside = rows.filter(({ span_parents: parents }) => parents?.[0] === theirs.spanId);
          const llm = inside.find(({ span_attributes: { type } }) => type === 'llm');
          expect(llm.root_span_id).toBe(tool.rootSpanId);
          expect(JSON.stringify(llm.input)).toContain(sound);

          expect(row(below).span_attributes.name).toBe(`below ${sound}`);
          expect(row(below).span_parents).toEqual([theirs.spanId]);
          expect(row(below).root_span_id).toBe(tool.rootSpanId);
        }
        // One trace, of which Flue's submission is the root.
        expect(new Set(rows.map(({ root_span_id: root }) => root)).size).toBe(1);
      } finally {
        await collector.close();
      }
    }),
);

test.each(VERSIONS)(
  'files, spans and loggers of braintrust %s in content are what they are there, not their internals',
  async (_version, name) => {
    const collector = await startCollector();
    try {
      const location = name.startsWith('.')
        ? new URL(name, `file://${__dirname}/fixtures/`).href
        : name;
      const code = `
        import * as bt from 'flue-braintrust';
        import * as theirs from '${location}';
        bt.initLogger({ attachments: true });
        const logger = theirs.initLogger({ projectName: 'P', asyncFlush: true });
        const uploaded = { type: 'braintrust_attachment', filename: 'b.txt', content_type: 'text/plain', key: 'k' };
        const at = { filename: 'a.txt', contentType: 'text/plain' };
        const file = new theirs.Attachment({ ...at, data: new Blob(['the content']) });
        await bt.wrapTraced(async function ask(...files) { return file; })(
          file,
          new theirs.JSONAttachment({ rows: 1 }),
          new theirs.ExternalAttachment({ ...at, url: 's3://bucket/a.txt' }),
          new theirs.ReadonlyAttachment(uploaded),
          new theirs.Attachment({ ...at, data: '/no/such/file' }),
          theirs.NOOP_SPAN,
          logger.startSpan(),
          logger,
        );
        // Members of the same names alone make none of them.
        class Order { reference = { type: 'braintrust_attachment' }; kind = 'span'; }
        class Book { reference = 'A 7'; kind = 'logger'; }
        bt.startSpan({ name: 'others', event: { input: [new Order(), new Book()] } }).end();
        await bt.flush();
        process.exit();`;
      const args = ['--input-type=module', '-e', code];
      const { stderr } = await run(args, destination(collector));
      expect(stderr).toMatch(/An attachment cannot be read \(ENOENT\)/);
      const rows = collector.rows() as any[];
      const named = (one: string) => rows.find(({ span_attributes: { name } }) => name === one);
      const [file, json, external, uploaded, missing, ...others] = named('ask').input;
      expect(file.data).toMatchObject({
        type: 'braintrust_attachment',
        content_type: 'text/plain',
      });
      expect(named('ask').output).toEqual(file);
      expect(json.data).toMatchObject({ content_type: 'application/json' });
      const contents = collector.attachments().map(({ key, bytes }) => [key, String(bytes)]);
      expect(new Map(contents as [string, string][])).toEqual(
        new Map([
          [file.data.key, 'the content'],
          [json.data.key, '{"rows":1}'],
        ]),
      );
      expect(external).toEqual({
        type: 'external_attachment',
        filename: 'a.txt',
        content_type: 'text/plain',
        url: 's3://bucket/a.txt',
      });
      expect(uploaded.key).toBe('k');
      expect(missing.data).toBe('[flue-braintrust: a file that cannot be read]');
      expect(others).toEqual(['<span>', '<span>', '<logger>']);
      expect(named('others').input).toEqual([
        { reference: { type: 'braintrust_attachment' }, kind: 'span' },
        { reference: 'A 7', kind: 'logger' },
      ]);
    } finally {
      await collector.close();
    }
  },
);
