import { join } from 'node:path';
import { readSlug, writeSlug } from '../js/spans/slug';

const packages: [version: string, util: any][] = [
  ['3.35', require('braintrust/util')],
  ['3.17', require(join(__dirname, 'lines/node_modules/braintrust-3.17/util/dist/index.js'))],
];

const project = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
const uuids = {
  object_id: project,
  row_id: '3d0f6c1e-2b4a-4c8d-9e0f-112233445566',
  span_id: 'a1b2c3d4-e5f6-4789-8abc-def012345678',
  root_span_id: 'a1b2c3d4-e5f6-4789-8abc-def012345678',
};
const hex = {
  object_id: project,
  row_id: '0123456789abcdef',
  span_id: '89abcdef01234567',
  root_span_id: '00112233445566778899aabbccddeeff',
};
const named = { compute_object_metadata_args: { project_name: 'proj' } };

/** Slugs as both releases write them, by version and content. */
const vectors: [name: string, slug: string, ids: object][] = [
  [
    'version 3, UUIDs',
    'AwIEAX88Kxqdjk9qiywKGyw9Tl8CPQ9sHitKTI2eDxEiM0RVZgOhssPU5fZHiYq83vASNFZ4BKGyw9Tl9keJirze8BI0Vnh7fQ==',
    uuids,
  ],
  [
    'version 3, by name',
    'AwIAeyJjb21wdXRlX29iamVjdF9tZXRhZGF0YV9hcmdzIjp7InByb2plY3RfbmFtZSI6InByb2oifX0=',
    named,
  ],
  [
    'version 4, ids of W3C',
    'BAICA4mrze8BI0VnBAARIjNEVWZ3iJmqu8zd7v97Im9iamVjdF9pZCI6IjdmM2MyYjFhLTlkOGUtNGY2YS04YjJjLTBhMWIyYzNkNGU1ZiIsInJvd19pZCI6IjAxMjM0NTY3ODlhYmNkZWYifQ==',
    hex,
  ],
  [
    'version 4, by name',
    'BAIAeyJjb21wdXRlX29iamVjdF9tZXRhZGF0YV9hcmdzIjp7InByb2plY3RfbmFtZSI6InByb2oifX0=',
    named,
  ],
];

test.each(vectors)('%s: a known slug is read', (_name, slug, ids) => {
  expect(readSlug(slug)).toEqual(ids);
});

test.each(vectors.filter(([name]) => name.startsWith('version 3')))(
  '%s: it is written, byte by byte',
  (_name, slug, ids) => expect(writeSlug(ids)).toBe(slug),
);

describe.each(packages)('braintrust %s', (_version, util) => {
  const components = (version: 3 | 4, ids: object) =>
    new util[`SpanComponentsV${version}`]({ object_type: 2, ...ids });

  test.each([uuids, hex, { ...named, ...hex, object_id: undefined }])(
    'reads what we write of %j',
    (ids) => {
      const { object_type: kind, ...read } = util.SpanComponentsV3.fromStr(writeSlug(ids)).data;
      expect(kind).toBe(2);
      expect(read).toMatchObject(JSON.parse(JSON.stringify(ids)));
    },
  );

  test.each([
    [3, uuids],
    [3, hex],
    [4, uuids],
    [4, hex],
    [4, { ...hex, propagated_event: { span_attributes: { purpose: 'scorer' } } }],
  ] as const)('writes what we read, version %i of %j', (version, ids) => {
    expect(readSlug(components(version, ids).toStr())).toEqual(ids);
  });

  test('the slug of an experiment is not that of a project', () => {
    const slug = new util.SpanComponentsV3({ object_type: 1, ...uuids }).toStr();
    expect(readSlug(slug)).toMatchObject({ isExperiment: true });
  });
});

test.each(['', 'x', 'AwI=', '🦉', 'AwIEAQ==', 'AwIAbnVsbA==', 'BQIAe30='])(
  '%j is not a slug',
  (text) => {
    expect(readSlug(text)?.span_id).toBeUndefined();
  },
);
