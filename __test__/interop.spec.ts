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

test.each([
  ['3.35', 'braintrust'],
  ['3.17', '../lines/node_modules/braintrust-3.17/dist/index.mjs'],
])(
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
