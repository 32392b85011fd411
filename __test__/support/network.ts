import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as ask, createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, type Server, type Socket, connect } from 'node:net';
import { join } from 'node:path';

const TLS = join(__dirname, '../fixtures/tls');

/** A certificate in `fixtures/tls`: all are of the same key. */
export const certificateFile = (name: string) => join(TLS, name);

/** The certificate of `tlsInFrontOf`, for `braintrust.test` and 127.0.0.1, signed by itself. */
export const CERTIFICATE = join(TLS, 'certificate.pem');

/** Something that listens on this machine. */
export interface Listener {
  port: number;
  close(): Promise<void>;
}

/** What speaks HTTPS in front of a server that does not, and asks it in that server's own name. */
export function tlsInFrontOf(port: number, certificate = CERTIFICATE): Promise<Listener> {
  const files = {
    key: readFileSync(join(TLS, 'key.pem')),
    cert: readFileSync(certificate),
  };
  const server = createHttpsServer(files, (request, response) => {
    const { method, url: path, headers } = request;
    const to = { host: '127.0.0.1', port, method, path };
    const passed = ask({ ...to, headers: { ...headers, host: `127.0.0.1:${port}` } });
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  return listen(server);
}

/** A proxy that makes tunnels, all to one port of this machine, and remembers where they should lead. */
export async function tunnelProxy(
  to: number,
  { password }: { password?: string } = {},
): Promise<Listener & { asked: string[] }> {
  const asked: string[] = [];
  const server = createServer();
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const expected = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
    if (password !== undefined && request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 Connected\r\n\r\n');
    pipeBoth(socket as Socket, connect(to, '127.0.0.1'));
  });
  return { ...(await listen(server)), asked };
}

/** A proxy that reaches nothing, and remembers by the names of its clients what it was asked for. */
export async function recordingProxy(): Promise<Listener & { asked: Set<string> }> {
  const asked = new Set<string>();
  const server = createServer((request, response) => {
    asked.add(clientOf(request.headers['user-agent']));
    response.writeHead(502).end();
  });
  server.on('connect', (request, socket) => {
    asked.add(clientOf(request.headers['user-agent']));
    socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
  });
  return { ...(await listen(server)), asked };
}

const clientOf = (agent = '') => (agent.startsWith('flue-braintrust/') ? 'ours' : 'node');

/** Below the ports that systems give to those who name none: such a server cannot take one of these later. */
const OWN_PORTS = [20_000, 32_000] as const;

/** A port at which nothing listens. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(...OWN_PORTS);
    const closed = await listen(createServer(), port).catch(() => undefined);
    await closed?.close();
    if (closed !== undefined) return port;
  }
}

/** A port that nothing else takes. */
const [, DOOR] = OWN_PORTS;

/**
 * Waits until no other suite uses the ports of `dev`, of which there is one set on a machine.
 *
 * @returns lets others use them
 */
export async function portsOfDev(): Promise<() => Promise<void>> {
  for (;;) {
    const held = await listen(createServer(), DOOR).catch(() => undefined);
    if (held !== undefined) return held.close;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function pipeBoth(one: Socket, other: Socket) {
  for (const [from, to] of [[one, other] as const, [other, one] as const]) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

/** On this machine. @param at a port; by default any that is free */
export async function listen(server: Server, at = 0): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await once(server.listen(at, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((done) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => done());
    });
  return { port, close };
}
