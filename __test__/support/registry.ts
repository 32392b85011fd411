import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { basename } from 'node:path';
import { type Listener, listen } from './network';

interface Manifest {
  name: string;
  version: string;
}

/** What a registry must know of a version that is published. */
export interface Publication {
  manifest: Manifest;
  /** Absent where a package is known and its tarball is not there. */
  tarball?: string;
}

/** The manifest inside a tarball. */
export function manifestOf(tarball: string) {
  const text = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], {
    encoding: 'utf8',
  });
  return JSON.parse(text) as Manifest & Record<string, any>;
}

/**
 * A registry that has these packages, and sends who asks for others on to another one.
 *
 * @param elsewhere the address of the other one, with its slash at the end
 */
export async function startRegistry(
  publications: Publication[],
  elsewhere: string,
): Promise<Listener & { url: string; asked: string[] }> {
  const asked: string[] = [];
  const packages = new Map(publications.map((one) => [`/${one.manifest.name}`, one]));
  const tarballs = new Map(
    publications.flatMap(({ tarball }) => (tarball ? [[pathOf(tarball), tarball]] : [])),
  );
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { url = '', headers } = request;
    const publication = packages.get(url);
    const tarball = tarballs.get(url);
    // The same version has other bytes next time.
    response.setHeader('cache-control', 'no-store');
    if (publication === undefined && tarball === undefined) {
      response.writeHead(307, { location: new URL(url.slice(1), elsewhere).href }).end();
      return;
    }
    asked.push(url);
    if (tarball !== undefined) response.end(readFileSync(tarball));
    else if (publication) response.end(packument(publication, `http://${headers.host}`));
  };
  const listener = await listen(createServer(answer));
  return { ...listener, url: `http://127.0.0.1:${listener.port}/`, asked };
}

const pathOf = (tarball: string) => `/-/${basename(tarball)}`;

function packument({ manifest, tarball }: Publication, url: string) {
  const { name, version } = manifest;
  const path = pathOf(tarball ?? `${name}-${version}.tgz`);
  const dist = { tarball: url + path, ...(tarball && { integrity: integrityOf(tarball) }) };
  const versions = { [version]: { ...manifest, dist } };
  return JSON.stringify({ name, 'dist-tags': { latest: version }, versions });
}

function integrityOf(tarball: string) {
  return `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
}
