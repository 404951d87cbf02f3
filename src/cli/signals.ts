import { setImmediate } from 'node:timers/promises';
import { ExitCode } from './exit-codes.ts';

const SIGNALS = {
  SIGINT: ExitCode.interrupted,
  SIGTERM: ExitCode.terminated,
  SIGHUP: ExitCode.hungUp,
} as const;

export interface Interruption {
  readonly signal: AbortSignal;
  /** The exit code of the signal that came, if one did. */
  exitCode(): number | undefined;
}

/** The first Ctrl-C (or SIGTERM) stops all work and lets it clean up; the second one ends the process at once. */
export function watchSignals(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  for (const [name, code] of Object.entries(SIGNALS))
    process.on(name, () => {
      if (exitCode !== undefined) process.exit(code);
      exitCode = code;
      controller.abort(new DOMException('the build was canceled', 'AbortError'));
    });
  return { signal: controller.signal, exitCode: () => exitCode };
}

/**
 * Nobody reads the results any more: nothing is left to do, and nobody to tell. Progress that nobody reads is no reason to stop.
 */
export function guardPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.brokenPipe);
    // A full disk, most often: a script must not take half a result for a whole one.
    process.stderr.write(`ERROR: cannot write to standard output: ${error.message}\n`);
    process.exit(ExitCode.failed);
  });
  // There is nobody left to tell.
  process.stderr.on('error', () => {});
}

/** Writes are synchronous, but that one failed is told in a later turn. */
export function settlePipes(): Promise<void> {
  return setImmediate();
}
