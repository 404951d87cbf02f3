import type { ProgressSink } from './events.ts';

/** Shows a build's events as they come. */
export interface Display {
  /** Takes events; never throws, never waits. */
  readonly sink: ProgressSink;
  /** Shows what is still held back and gives the output back. Call it once, after the last event. */
  finish(): void;
}

/** Where a display writes: a stream's or a file's synchronous write. */
export type Write = (data: string | Uint8Array) => void;
