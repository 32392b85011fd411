import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { InterceptedRequest } from '../tools/collector/types';
import { destination, run, withDirectory } from './support/run';

const FIXTURE = '__test__/fixtures/images.mjs';

/** The signature of a PNG, and noise. */
const IMAGE = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), noise(600)]);
const HASH = createHash('sha256').update(IMAGE).digest('hex').slice(0, 16);

function noise(length: number): Buffer {
  return randomBytes(length);
}

/** Texts that resemble base64. */
const ORDINARY = {
  hash: createHash('sha512').update('a').digest('base64'),
  hex: noise(300).toString('hex'),
  id: `call_1|${noise(300).toString('base64')}`,
  uuid: '0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  jwt: ['{"alg":"RS256"}', noise(400), noise(256)]
    .map((part) => Buffer.from(part as string).toString('base64url'))
    .join('.'),
  path: `/srv/${'some-directory/AnotherOne9/'.repeat(12)}`,
  url: `https://example.com/a?${'Key9=Value8&'.repeat(40)}`,
  code: 'const sum = items.reduce((total, { price }) => total + price, 0);\n'.repeat(20),
  long: 'x'.repeat(3_000),
};

/** Parts of base64 and lists of bytes that must not leave. */
function leaked(received: string): string[] {
  const encoded = IMAGE.toString('base64');
  const parts: string[] = [];
  for (let at = 0; at + 24 <= encoded.length; at += 24) parts.push(encoded.slice(at, at + 24));
  for (let at = 0; at + 12 <= IMAGE.length; at += 12) {
    parts.push(`${[...IMAGE.subarray(at, at + 12)].join(',')}`);
  }
  const plain = received.replaceAll('\\', '');
  return parts.filter((part) => plain.includes(part));
}

test.each(['auto', 'full', 'delta'])(
  'base64 in any shape leaves as a placeholder with type, size and hash, and ordinary text as it is: turnInput %s',
  (turnInput) =>
    withDirectory(async (directory) => {
      const [data, ordinary] = [join(directory, 'data'), join(directory, 'ordinary.json')];
      writeFileSync(data, IMAGE.toString('base64'));
      writeFileSync(ordinary, JSON.stringify(ORDINARY));
      const bodies: string[] = [];
      const collector = await startCollector({
        intercept: ({ body }: InterceptedRequest) => void bodies.push(body.toString('latin1')),
      });
      try {
        const env = destination(collector);
        const { code, stderr } = await run([FIXTURE, data, ordinary, turnInput], env);
        expect([code, stderr]).toEqual([0, '']);
        expect(leaked(bodies.join('\n'))).toEqual([]);
        const rows: any[] = collector.rows();
        expect(rows).toHaveLength(8);
        for (const row of rows) {
          const details = `${IMAGE.length} bytes, sha256 ${HASH}]`;
          expect(JSON.stringify(row)).toContain(`[image data omitted: image/png, ${details}`);
          if (row.span_attributes.type === 'llm' || row.output === undefined) continue;
          for (const text of Object.values(ORDINARY)) {
            expect(JSON.stringify(row).replaceAll('\\', '')).toContain(
              JSON.stringify(text).slice(1, -1).replaceAll('\\', ''),
            );
          }
        }
        const own = rows.find(({ span_attributes: { name } }) => name === 'own');
        expect(own.input[0].data).toBe(
          `[image data omitted: image/png, ${IMAGE.length} bytes, sha256 ${HASH}]`,
        );
        expect(own.input[9].image).toBe(`[flue-braintrust: ${IMAGE.length} bytes]`);
      } finally {
        await collector.close();
      }
    }),
);
