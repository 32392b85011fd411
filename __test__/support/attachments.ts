import { uuidOf } from '../../tools/collector/projects';

/** A picture of one pixel. */
export const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** The organisation of a collector. */
const ORG_ID = uuidOf('org:local');

const headers = { authorization: 'Bearer local' };
const post = (url: string, body: unknown) =>
  fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });

/** Announces an attachment, and returns the answer. */
export function announce(url: string, body: { [member: string]: unknown }) {
  return post(`${url}/attachment`, {
    org_id: ORG_ID,
    filename: 'a.png',
    content_type: 'image/png',
    ...body,
  });
}

/** States the status of an attachment. */
export function state(url: string, key: string, status: unknown) {
  return post(`${url}/attachment/status`, { key, org_id: ORG_ID, status });
}

/** Uploads an attachment as a client does. */
export async function attach(
  url: string,
  key: string,
  bytes: Buffer,
  contentType: string,
  filename: string,
) {
  const announced = await announce(url, { key, content_type: contentType, filename });
  const { signedUrl, headers } = (await announced.json()) as any;
  const stored = await fetch(signedUrl, { method: 'PUT', headers, body: new Uint8Array(bytes) });
  const stated = await state(url, key, { upload_status: 'done' });
  const statuses = [announced.status, stored.status, stated.status];
  if (statuses.some((status) => status !== 200)) throw new Error(`answers: ${statuses}`);
}
