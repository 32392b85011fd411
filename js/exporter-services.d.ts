/** What the destinations use of their exporter. */

import type { EventKind } from './capture.js';
import type { Callers } from './callers.js';
import type { CustomSpan } from './context.js';
import type { Destination } from './destination.js';
import type { Masking } from './masking.js';
import type { Openers } from './slug-destinations.js';

/** A span that work runs under. */
export type CallingSpan = Omit<CustomSpan, 'id'>;

/** The span under which work is to run, and where the rows of both go. */
export interface Calling {
  span: CallingSpan;
  destination: Destination;
}

export interface ExporterServices {
  /** Whether anything polls for rows. If not, events skip `schedule`. */
  isPolling: boolean;
  /** Schedules a poll, because rows are expected. */
  schedule(): void;
  /** Reports the diagnostics so far. */
  report(): void;
  /** The spans under which Flue's work runs. */
  callers: Callers;
  /** Runs Flue's work under a span; with `since`, only if the work begins later in the order of beginnings. */
  adopt(target: unknown, calling: Calling, since?: number): void;
  /** The kind of an event that matters. */
  kindOf(event: unknown): EventKind | undefined;
  /** The openers of the destinations of what slugs name. */
  openers: Openers;
  masking: Pick<Masking, 'isSet' | 'wasSet' | 'recordMasked'>;
}
