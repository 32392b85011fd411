// Carries out a recorder's requests, for as long as the runtime lets the work that recorded run.

import { sendOrShare } from './shared-answers.mjs';
import { isInRequest } from './in-request.mjs';
import { sleep } from '../timers.js';
import { runningMs } from '../running-clock.js';

/** How often a request that does not lead checks again, in milliseconds. */
const FOLLOW_MS = 250;
/** The same for a request that only waits for an outcome. */
const AWAIT_MS = 20;
/** The longest sleep of the leader, in milliseconds: after it, the leader sends what was recorded meanwhile. */
const LEAD_MS = 100;
/** A leader without activity for so long, in milliseconds, is gone: the runtime has ended its request. */
const GONE_MS = 2000;
/** How long deliveries without progress go on after the last event, in milliseconds. */
const PATIENCE_MS = 30_000;

/** @typedef {import('./recorder.mjs').EdgeRecorder} EdgeRecorder */

/** Who leads, or has led, and when it was seen last. @typedef {{ at: number }} Leader */

/**
 * A flush: of an instance of the core, whose tickets only that one gives.
 * @typedef {{ ticket: number, generation: number, isComplete?: boolean }} Flush
 */

/**
 * A request in flight.
 * @typedef {{ id: number, generation: number, key: string, leader: Leader, abort: AbortController }} InFlight
 */

/** The requests of a leader, and its operations of the storage. @typedef {Map<Promise<void>, InFlight | undefined>} Own */

/**
 * Delivers the rows of one recorder. The runtime ties each request and each timer to the incoming request that made
 * it, and drops them when it ends that one. So there is one leader, who drives the recorder; the others look again
 * from time to time, and one of them takes over when the leader is gone.
 */
export class Delivery {
  #recorder;
  #keepAlive;
  /** @type {Leader | undefined} */
  #leader;
  /** When a request led last. */
  #ledAt = -Infinity;
  /** @type {Map<string, InFlight>} */
  #inFlight = new Map();
  /** The flushes that are waited for, and whether each was complete, once it has ended. @type {Set<Flush>} */
  #flushes = new Set();
  /** Whether everything was settled at the last poll, and nothing came since. */
  #isSettled = true;
  /** Until when nothing is due, as of the last poll: a server may refuse the key, or ask for a long delay. */
  #idleUntil = 0;
  /** How many have begun to wait for the delivery, and how often the recorder was polled. */
  #begun = 0;
  #polls = 0;
  /** Whether rows were in the storage alone at the last poll. */
  needsStorage = false;
  /** The rows and attachments at the last poll: all, and those that are delivered or lost. */
  #accepted = 0;
  #settled = 0;

  /**
   * @param {EdgeRecorder} recorder
   * @param {(work: Promise<void>) => void} keepAlive keeps the request that runs now alive; never throws
   */
  constructor(recorder, keepAlive) {
    this.#recorder = recorder;
    this.#keepAlive = keepAlive;
  }

  /** Whether a request waits for the delivery, and drives it. */
  get isLed() {
    return this.#leader !== undefined && !isGone(this.#leader);
  }

  /** Whether a request drives it, or has just left it: one that follows would lead from now on. */
  get isDriven() {
    return runningMs() - this.#ledAt <= GONE_MS;
  }

  /** Whether no row and no attachment waited at the last poll, in memory or in a storage, and nothing came since. */
  get isDone() {
    return this.#isSettled && this.#settled === this.#accepted;
  }

  /** Something was recorded. */
  touch() {
    this.#isSettled = false;
    this.#idleUntil = 0;
  }

  /**
   * Delivers what is recorded; nothing outside of a request.
   * @param {number} [patienceMs] how long deliveries without progress go on, at most
   */
  async settle(patienceMs = PATIENCE_MS) {
    if (!isInRequest()) return;
    const until = runningMs() + patienceMs;
    const isDelivered = this.#untilDelivered();
    const isOver = () => Math.max(runningMs(), this.#idleUntil) >= until;
    await this.#run(() => this.#isSettled || isDelivered() || isOver());
  }

  /**
   * Whether what is recorded until now is delivered, and a later caller waits for the rest. While others record, there
   * is always a rest.
   */
  #untilDelivered() {
    const number = ++this.#begun;
    const { generation } = this.#recorder;
    const polls = this.#polls;
    /** @type {number | undefined} */
    let accepted;
    return () => {
      if (this.#polls === polls || this.#begun === number) return false;
      accepted ??= this.#accepted;
      return this.#settled >= accepted || this.#recorder.generation !== generation;
    };
  }

  /**
   * Waits until the files of the storage are listed, at most for the timeout.
   * @param {number} timeoutMs
   */
  async open(timeoutMs) {
    await this.#wait(() => this.#recorder.storageWork?.isListing !== true, timeoutMs);
  }

  /**
   * Waits until the storage has what is not delivered, at most for the timeout.
   * @param {number} timeoutMs
   */
  async kept(timeoutMs) {
    await this.#wait(() => this.#recorder.isKept(), timeoutMs);
  }

  /**
   * Waits until the recorder is connected, at most for the timeout.
   * @param {number} timeoutMs
   */
  async connected(timeoutMs) {
    await this.#wait(() => this.#recorder.isConnected, timeoutMs);
  }

  /**
   * Waits until a flush has ended. Whether it is complete; false when the instance of the core has failed.
   * @param {number} ticket
   * @param {number} generation of the instance of the core that has given the ticket
   * @param {number} timeoutMs
   */
  async until(ticket, generation, timeoutMs) {
    /** @type {Flush} */
    const flush = { ticket, generation };
    this.#flushes.add(flush);
    const hasEnded = () =>
      flush.isComplete !== undefined || this.#recorder.generation !== generation;
    // The recorder itself ends it in time: the leader passes that on.
    await this.#wait(hasEnded, timeoutMs + LEAD_MS);
    this.#flushes.delete(flush);
    return flush.isComplete ?? false;
  }

  /**
   * Waits until `isEnough`, at most for the timeout. Delivers meanwhile; what it has begun then goes on.
   * @param {() => boolean} isEnough
   * @param {number} timeoutMs
   */
  async #wait(isEnough, timeoutMs) {
    this.touch();
    if (!isInRequest()) return;
    const longestMs = Math.min(timeoutMs, 2 ** 31);
    const until = runningMs() + longestMs;
    // What was enough once ends both loops, although it may not be enough a moment later.
    let hasEnded = false;
    const isOver = () => this.#recorder.generation === undefined || runningMs() >= until;
    const isDone = () => (hasEnded ||= isEnough() || isOver());
    const drive = async () => {
      await this.settle(Math.max(PATIENCE_MS, longestMs));
      // All is settled, but another recorder may have requested the end of this one meanwhile.
      while (!isDone()) {
        await sleep(AWAIT_MS);
        this.touch();
        await this.settle(longestMs);
      }
    };
    this.#keepAlive(drive().catch(() => {}));
    while (!isDone()) await sleep(AWAIT_MS);
  }

  /**
   * Leads, or follows who leads, until `isEnough`, or the recorder is disposed of.
   * @param {() => boolean} isEnough
   */
  async #run(isEnough) {
    const isDone = () => isEnough() || this.#recorder.generation === undefined;
    const self = { at: runningMs() };
    /** @type {Own} */
    const own = new Map();
    while (!isDone()) {
      if (!this.#leads(self)) {
        this.#abortUnawaited(own);
        await sleep(FOLLOW_MS);
        continue;
      }
      const timeoutMs = this.#poll(self, own);
      if (isDone()) break;
      await Promise.race([sleep(Math.min(timeoutMs ?? LEAD_MS, LEAD_MS)), ...own.keys()]);
    }
    if (this.#leader === self) this.#leader = undefined;
    // Who leaves now would take its requests along.
    while (own.size > 0) {
      self.at = this.#ledAt = runningMs();
      this.#abortUnawaited(own);
      await Promise.race([sleep(LEAD_MS), ...own.keys()]);
    }
  }

  /**
   * Aborts the requests for which nothing waits: they are cancelled, or another leader took this one for gone. Only the
   * request of the application that began them may abort them.
   * @param {Own} own
   */
  #abortUnawaited(own) {
    for (const request of own.values()) {
      if (request && this.#inFlight.get(request.key) !== request) request.abort.abort();
    }
  }

  /**
   * Whether the caller leads, from now on or still.
   * @param {Leader} self
   */
  #leads(self) {
    if (this.#leader !== self && this.isLed) return false;
    self.at = this.#ledAt = runningMs();
    this.#leader = self;
    return true;
  }

  /**
   * Does what is due and begins the requests.
   * @param {Leader} leader
   * @param {Own} own
   * @returns {number | null | undefined} in how many milliseconds something is due
   */
  #poll(leader, own) {
    const recorder = this.#recorder;
    for (const [key, request] of this.#inFlight) {
      if (request.leader === leader || !isGone(request.leader)) continue;
      // The runtime has ended the request that it belonged to.
      this.#inFlight.delete(key);
      recorder.requests.respond(request, { error: 'the runtime has ended the request' });
    }
    const progress = recorder.poll();
    // The core failed, and another one may fail as well: not at once again.
    if (progress === undefined) return LEAD_MS;
    for (const id of progress.cancelled) this.#inFlight.delete(`${recorder.generation}/${id}`);
    // Before others begin: a Worker has few connections.
    this.#abortUnawaited(own);
    for (const [ticket, isComplete] of progress.completed) {
      for (const flush of this.#flushes) {
        const isIt = flush.ticket === ticket && flush.generation === recorder.generation;
        if (isIt) flush.isComplete = isComplete;
      }
    }
    const work = recorder.storageWork?.begin(leader, isGone);
    if (work !== undefined) {
      const stored = work.then(() => void own.delete(stored));
      own.set(stored, undefined);
    }
    for (let next = recorder.requests.take(); next !== undefined; next = recorder.requests.take()) {
      const key = `${next.generation}/${next.id}`;
      const request = { ...next, key, leader, abort: new AbortController() };
      this.#inFlight.set(key, request);
      const sender = { recorder, isGone: () => isGone(leader) };
      const sent = sendOrShare(request, request.abort.signal, sender).then((answer) => {
        own.delete(sent);
        // Nothing waits for what is cancelled, nor for the response of a leader that was taken for gone.
        if (this.#inFlight.delete(key)) recorder.requests.respond(request, answer);
      });
      own.set(sent, request);
    }
    this.#isSettled = progress.isSettled && own.size === 0;
    const { stats, waiting } = progress;
    this.#polls++;
    this.needsStorage = stats.spooled > 0;
    this.#accepted = stats.accepted + stats.attachments.accepted + waiting;
    const undelivered = stats.pending + stats.spooled + stats.attachments.pending + waiting;
    this.#settled = this.#accepted - undelivered;
    const isWaiting = own.size === 0 && recorder.storageWork?.isOpen !== false;
    this.#idleUntil = isWaiting ? runningMs() + (progress.timeoutMs ?? 0) : 0;
    return progress.timeoutMs;
  }
}

/** Whether the runtime has ended the request that led. @param {Leader} leader */
const isGone = ({ at }) => runningMs() - at > GONE_MS;
