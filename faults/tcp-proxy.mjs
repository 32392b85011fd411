import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A TCP proxy in front of a server, on a port of its own, that simulates network faults.
 *
 * `open`    everything passes
 * `refuse`  no port is open, and every connection is broken
 * `hole`    connections are accepted, and nothing passes
 *
 * @typedef {'open' | 'refuse' | 'hole'} Mode
 */
export class TcpProxy {
  /** @type {Mode} */
  #mode = 'refuse';
  #target;
  #port = 0;
  #server = createServer((socket) => this.#accept(socket));
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  /** Called when connections break. */
  onBreak = () => {};

  /** @param {number} target the port behind it */
  constructor(target) {
    this.#target = target;
  }

  /** Takes a port, and opens. */
  async start() {
    await this.turn('open');
    this.#port = this.#server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** @param {Mode} mode */
  async turn(mode) {
    this.#mode = mode;
    if (mode !== 'open') this.#breakAll();
    const { listening } = this.#server;
    if (mode === 'refuse' && listening) {
      this.#server.close();
      await once(this.#server, 'close');
    } else if (mode !== 'refuse' && !listening) {
      this.#server.listen(this.#port, '127.0.0.1');
      await once(this.#server, 'listening');
    }
  }

  close() {
    return this.turn('refuse');
  }

  #accept(socket) {
    this.#keep(socket);
    if (this.#mode === 'hole') {
      socket.resume();
      return;
    }
    const behind = connect(this.#target, '127.0.0.1');
    this.#keep(behind);
    // Either end takes the other with it, whether it ends well or not.
    socket.pipe(behind).pipe(socket);
    socket.once('close', () => behind.destroy());
    behind.once('close', () => socket.destroy());
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // What breaks here is seen by those who use the connection.
    socket.on('error', () => {});
  }

  #breakAll() {
    this.onBreak();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
