import type { WriteStream } from 'node:tty';
import type { Display } from './display-types.ts';
import { textWidth } from './text-width.ts';
import { renderFailures, renderFrame } from './tty-render.ts';
import { createTtyState, updateTtyState } from './tty-state.ts';

const REPAINT_INTERVAL_MS = 100;

/** What a live display needs of a terminal. */
export type Terminal = Pick<WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>;

/**
 * `--progress tty`: a frame that is repainted in place, at most ten times a second and only when it changed. Each
 * repaint is a single write that hides the cursor at its start and shows it at its end, so however the program ends,
 * the terminal is left whole.
 */
export function createTtyDisplay(options: {
  readonly terminal: Terminal;
  readonly colour: boolean;
  /** What is going on: `Building`. */
  readonly phase: string;
}): Display {
  const { terminal, colour, phase } = options;
  const state = createTtyState();
  let painted: string[] = [];
  let resized = false;

  const paint = (final: boolean): void => {
    const width = Math.max(2, terminal.columns || 80);
    const height = terminal.rows || 24;
    const frame = renderFrame(state, { width, height, nowMs: Date.now(), colour, phase, final });
    if (!final && !resized && sameLines(frame, painted)) return;
    // A narrower terminal may have wrapped what was painted.
    const rowsAbove = painted.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / width)), 0);
    let text = rowsAbove > 0 ? `\r\x1b[${rowsAbove}A` : '\r';
    for (const [index, line] of frame.entries())
      text += !resized && line === painted[index] ? '\r\n' : `${line}\x1b[K\r\n`;
    terminal.write(`\x1b[?25l${text}\x1b[J\x1b[?25h`);
    painted = frame;
    resized = false;
  };
  const onResize = (): void => {
    resized = true;
  };
  const tick = (): void => {
    if (state.started.length > 0) paint(false);
  };
  const timer = setInterval(tick, REPAINT_INTERVAL_MS);
  timer.unref();
  terminal.on('resize', onResize);
  return {
    sink: (status) => updateTtyState(state, status),
    finish() {
      clearInterval(timer);
      terminal.off('resize', onResize);
      if (state.started.length === 0) return;
      paint(true);
      const failures = renderFailures(state, colour);
      if (failures.length > 0) terminal.write(`${failures.join('\r\n')}\r\n`);
    },
  };
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
