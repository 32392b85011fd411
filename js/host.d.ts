/** What the exporter needs of the runtime that it runs in. */

import type { ExitStep, Recorder, Priority } from '../native.d.ts';
import type { FlueIds, JsonString, RawConfig, RestoredWork } from './native-types.d.ts';

/** What the exporter uses of a recorder. */
export type HostRecorder = Pick<
  Recorder,
  Exclude<keyof Recorder, 'shutdownDetached' | 'connect' | 'hasRoom' | 'takeRestored'>
> & {
  /** Connects before the first event comes; absent in a runtime that makes no request outside of the application's. */
  connect?(): void;
  /** Connects within the request that runs now, at most for the timeout, where `connect` is absent. Never rejects. */
  logIn?(timeoutMs: number): Promise<void>;
  /** Whether the end of a span with so many characters would be accepted now; absent where it is always written. */
  hasRoom?(characters: number): boolean;
  /** The work of ended processes that was restored since the last call; absent where no recorder states it. */
  takeRestored?(): JsonString<RestoredWork[]> | null;
  /** Of a host with several recorders, the one of the work that runs now, for an event of it. */
  current?(): HostRecorder;
  /** What is kept alive with it. */
  owner?: object;
};

/** What the exporter uses of the native part, or of the WebAssembly module. */
export interface Core {
  Priority: typeof Priority;
  ExitStep: typeof ExitStep;
  translatedKinds(): Record<string, Priority>;
  flueSpan(ids: JsonString<FlueIds>): string[];
}

/** What a host calls: with a recorder without a thread, while it delivers. */
export interface Callbacks {
  /** Masks rows that wait, for a moment. False if none waits. */
  mask(recorder: HostRecorder): boolean;
  /** Passes diagnostics to `onError`. */
  report(): void;
  /** Delivers what all recorders have so far. Never rejects. */
  flush(timeoutMs: number): Promise<unknown>;
  /** The core has lost its state: the next events are captured in full. */
  reset(): void;
  /** The counters of each destination that is in use. Of a host on Node. */
  stats?(): { projectName: string; server: string; stats: import('../index.d.ts').Stats }[];
}

export interface Host {
  /** Throws an error that names the cause. */
  load(): Core;
  /** Loads ahead what `load` needs, if it can. Never throws. */
  preload(): void;
  /** The variables that settings are read from. */
  environment(): {
    env: Record<string, string>;
    file: Record<string, string>;
    /** Why the file cannot be used. */
    unusable?: string;
  };
  /** Whether the application runs in a development server. */
  isDev(): boolean;
  /** Whether timers may poll the recorder; otherwise it calls the callbacks. */
  hasTimers: boolean;
  /**
   * A new recorder. `storage`: where rows that are not confirmed are kept, in a runtime without files. Throws when the
   * settings or the storage cannot be used.
   */
  open(settings: JsonString<RawConfig>, storage: unknown): HostRecorder;
  /** Sets the storage of a recorder. Throws when it cannot be used. */
  keepIn(recorder: HostRecorder, storage: unknown): void;
  attach(callbacks: Callbacks): void;
  /**
   * The delivery of what is recorded, for runtimes that wait for it. Never rejects. `mayBeFirst`: whether what was
   * recorded last may be the first of its request; default: true.
   */
  delivery(mayBeFirst?: boolean): Promise<void> | undefined;
  /** Keeps the request that runs now alive until work has ended; absent where nothing ends it. Never throws. */
  keepAlive?(work: Promise<unknown>): void;
  /** Whether the event loop has nothing to do but what is begun now; absent where no promise keeps it alive. */
  hasLoopEnded?: () => boolean;
  /** Ends the exporter at the end of the process. */
  endAtExit(exporter: import('./exit.js').Ending): void;
  /** Ends all exporters on signals as well. */
  endOnSignals(): void;
}
