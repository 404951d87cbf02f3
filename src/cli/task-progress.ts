import { runPhase } from '../build/phases.ts';
import type { TaskReporter } from '../images/types.ts';
import { type DisplayOptions, isProgressMode, openDisplay } from '../progress/display.ts';
import type { Context } from './context.ts';

/** Runs work that reports tasks (layers in transfer) and shows them as one step, on standard error; not when `quiet`. */
export async function showTasks<T>(
  context: Context,
  phase: DisplayOptions['phase'],
  what: string,
  quiet: boolean,
  work: (onTask: TaskReporter) => Promise<T>,
): Promise<T> {
  const { BUILDKIT_PROGRESS: wanted = '' } = context.env;
  // A wish for the live display is one for builds; here it holds where there is a terminal.
  const mode = quiet ? 'quiet' : isProgressMode(wanted) && wanted !== 'tty' ? wanted : 'auto';
  const display = await openDisplay({ mode, stream: context.stderr, env: context.env, phase });
  try {
    return await runPhase(display.sink, `${phase.toLowerCase()} ${what}`, (reporter) =>
      work((...task) => reporter.task(...task)),
    );
  } finally {
    display.finish();
  }
}
