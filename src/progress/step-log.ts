import type { OutputBuffer } from './output-buffer.ts';

/** How many of a step's last lines are shown again when it fails, and how much of each. */
export const TAIL_LINES = 10;
export const TAIL_LINE_LENGTH = 4096;

/** The output of one step on its way to a plain log. */
export interface StepLog {
  /** Roughly the memory that what is held back takes. */
  readonly size: number;
  /** Takes output that came `elapsedMs` after the step's start. */
  append(data: Uint8Array, elapsedMs: number): void;
  /** Gives what is due at `nowMs`, each line behind `prefix`; with `ended` all there is, the last line ended. */
  take(out: OutputBuffer, prefix: string, nowMs: number, ended: boolean): void;
  /** Other output comes in between: a line that is printed in part ends there and goes on in a new one. */
  interrupt(out: OutputBuffer): void;
  /** The last lines with their times, as Latin-1. */
  tail(): readonly string[];
}
