// The WebAssembly module of the core: instantiated when it is first needed, replaced when it has failed.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The longest text whose worst case is reserved at once, in characters. A character takes at most 3 bytes. */
const SHORT = 4096;

/**
 * How many calls must fit on the stack before the core is called. They take several times the stack that the core
 * needs: an overflow within the core leaves the instance unusable.
 */
export const STACK_CALLS = 300;

/** Throws if so many calls do not fit on the stack. @param {number} calls @returns {boolean} */
const descend = (calls) => calls === 0 || descend(calls - 1);

/** @param {number} calls */
function checkStack(calls) {
  try {
    descend(calls);
  } catch (cause) {
    throw new Error('the call stack is nearly full', { cause });
  }
}

/**
 * A recorder of the core, by its number in one of the instances.
 * @typedef {{ number: number, generation: number }} Slot
 */

/** The core has failed: the instance is gone with all that it held. */
export class CoreFailure extends Error {}

/** Calls the functions that `crates/worker/src/border.rs` exports. */
export class CoreModule {
  #module;
  #onFailure;
  /** @type {Record<string, any> | undefined} */
  #exports;
  /** Counts the instances: what belongs to an earlier one is gone. */
  generation = 0;
  /** @type {FinalizationRegistry<Slot> | undefined} */
  #registry;

  /**
   * @param {unknown} module what the bundler makes of the import; only a `WebAssembly.Module` can be used
   * @param {() => void} [onFailure] called when an instance is gone
   */
  constructor(module, onFailure) {
    this.#module = module;
    this.#onFailure = onFailure;
    // A Worker with an early compatibility date has none.
    if (typeof FinalizationRegistry === 'function') {
      this.#registry = new FinalizationRegistry((slot) => this.#free(slot));
    }
  }

  /**
   * Frees what the core holds for a recorder when the recorder is collected.
   * @param {object} recorder
   * @param {Slot} slot
   */
  freeWith(recorder, slot) {
    this.#registry?.register(recorder, slot);
  }

  /** @param {Slot} slot */
  #free({ number, generation }) {
    try {
      if (generation !== this.generation) return;
      this.enter();
      this.call('close', number);
    } catch {
      // The instance has failed: nothing of it is left.
    }
  }

  /**
   * Prepares calls. Throws an error that names the cause when the module cannot be instantiated, or the application, in
   * a runaway recursion, leaves no room on the stack.
   * @param {number} [calls] how many must fit
   */
  enter(calls = STACK_CALLS) {
    checkStack(calls);
    this.load();
  }

  /** Instantiates the module. Throws an error that names the cause when the build did not import it. */
  load() {
    if (this.#exports !== undefined) return;
    const { Instance, Module } = globalThis.WebAssembly ?? {};
    if (Module === undefined || !(this.#module instanceof Module)) {
      throw new Error(
        'this build does not import `.wasm` files as WebAssembly modules, as wrangler and the Vite plugin of ' +
          'Cloudflare do',
      );
    }
    this.#exports = new Instance(this.#module, {}).exports;
    this.generation++;
  }

  /**
   * Calls an exported function. Throws `CoreFailure` when the instance is gone.
   * @param {string} name
   * @param {number[]} values
   * @returns {number}
   */
  call(name, ...values) {
    this.load();
    try {
      return this.#exports?.[name](...values);
    } catch (cause) {
      this.#exports = undefined;
      this.#onFailure?.();
      throw new CoreFailure('the core has failed', { cause });
    }
  }

  /**
   * Writes the text for the next call.
   * @param {string} text
   * @returns {number} its length in bytes
   */
  write(text) {
    const { length } = text;
    let [read, written] = [0, 0];
    let room = length <= SHORT ? length * 3 : length + (length >> 3);
    for (;;) {
      const rest = read === 0 ? text : text.slice(read);
      const progress = encoder.encodeInto(rest, this.#reserve(room).subarray(written));
      read += progress.read;
      written += progress.written;
      if (read >= length) return written;
      room = written + (length - read) * 3;
    }
  }

  /**
   * Writes bytes for the next call, one after the other.
   * @param {Uint8Array[]} parts
   */
  writeBytes(...parts) {
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    const view = this.#reserve(bytes);
    let at = 0;
    for (const part of parts) {
      view.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** The output of the last call, as text. */
  output() {
    const length = this.call('output_length');
    return decoder.decode(this.#view(this.call('output_address'), length));
  }

  /** A copy of the bytes that the last call has output. The core frees its own. */
  takeBody() {
    const length = this.call('body_length');
    const copy = this.#view(this.call('body_address'), length).slice();
    this.call('free_body');
    return copy;
  }

  /** @param {number} bytes */
  #reserve(bytes) {
    // The address first: reserving may grow the memory, which detaches earlier views.
    return this.#view(this.call('reserve', bytes), bytes);
  }

  /**
   * @param {number} address
   * @param {number} length
   */
  #view(address, length) {
    return new Uint8Array(this.#exports?.memory.buffer, address, length);
  }
}
