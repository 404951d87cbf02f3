import { clipOutput, readOutputLimit } from './clip.ts';
import type { Display } from './display-types.ts';
import { noTerminal } from './errors.ts';

export type { Display } from './display-types.ts';

/** `--progress`. */
export const PROGRESS_MODES = ['auto', 'tty', 'plain', 'quiet', 'rawjson', 'none'] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];

export interface DisplayOptions {
  readonly mode: ProgressMode;
  /** Progress goes to standard error, as in docker: standard output is for results. */
  readonly stream: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** What the live display says is going on. */
  readonly phase: 'Building' | 'Exporting' | 'Importing' | 'Loading' | 'Locking' | 'Pulling' | 'Pushing' | 'Saving';
}

export function isProgressMode(text: string): text is ProgressMode {
  return (PROGRESS_MODES as readonly string[]).includes(text);
}

/**
 * Opens the display of that mode; `auto` is `tty` on a terminal that a person watches and `plain` everywhere else.
 * Throws `PROGRESS_NO_TERMINAL`.
 */
export async function openDisplay(options: DisplayOptions): Promise<Display> {
  const { stream, env } = options;
  const write = (data: string | Uint8Array): void => {
    stream.write(data);
  };
  switch (chooseMode(options.mode, stream.isTTY === true, env)) {
    case 'tty': {
      if (!stream.isTTY) throw noTerminal();
      const { createTtyDisplay } = await import('./tty.ts');
      return createTtyDisplay({ terminal: stream, colour: usesColour(env), phase: options.phase });
    }
    case 'rawjson': {
      const { createRawJsonDisplay } = await import('./rawjson.ts');
      return clipped(createRawJsonDisplay({ write }), env);
    }
    case 'quiet':
      return { sink: () => {}, finish: () => {} };
    case 'plain': {
      const { createPlainDisplay } = await import('./plain.ts');
      return clipped(createPlainDisplay({ write }), env);
    }
  }
}

/** The live display shows the end of a step's output anyhow; the others would grow with it. */
function clipped(display: Display, env: NodeJS.ProcessEnv): Display {
  return { sink: clipOutput(display.sink, readOutputLimit(env)), finish: () => display.finish() };
}

/** What `mode` means here. */
export function chooseMode(
  mode: ProgressMode,
  isTerminal: boolean,
  env: NodeJS.ProcessEnv,
): Exclude<ProgressMode, 'auto' | 'none'> {
  if (mode === 'none') return 'quiet';
  if (mode !== 'auto') return mode;
  const watched = isTerminal && !isSet(env.CI) && env.TERM !== 'dumb';
  return watched ? 'tty' : 'plain';
}

/** https://no-color.org: any value but the empty one. */
export function usesColour(env: NodeJS.ProcessEnv): boolean {
  return !env.NO_COLOR && env.TERM !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}
