import { errorCode } from '../../errors.ts';
import { type Context, libraryOptions, printLine } from '../context.ts';
import { formatJson } from '../format/json.ts';
import { usageError } from '../usage-errors.ts';

export type ExplainFormat = 'text' | 'json';

/** What would stand on standard output beside the JSON. */
export function checkExplain(
  flags: { readonly explainCache?: ExplainFormat; readonly quiet?: boolean; readonly call?: unknown },
  toStdout: boolean,
): void {
  if (flags.explainCache !== 'json') return;
  if (toStdout || flags.quiet)
    throw usageError(
      '--explain-cache=json writes to standard output, and so does the build',
      "leave it out, and ask 'tsbuild builds inspect --explain --format json' afterwards",
    );
}

/** Says why a build's steps ran. A build that failed before it had any has nothing to say. */
export async function showExplanation(context: Context, id: string, format: ExplainFormat): Promise<void> {
  const library = await context.library();
  try {
    const explanation = await library.explainBuild(id, libraryOptions(context));
    if (format === 'json') printLine(context, formatJson(explanation, 2));
    else {
      const { formatExplanation } = await import('../format/explanation.ts');
      context.stderr.write(formatExplanation(explanation));
    }
  } catch (error) {
    if (errorCode(error) !== 'BUILD_INCOMPLETE' && errorCode(error) !== 'BUILD_NOT_FOUND') throw error;
    context.stderr.write('cache: the build ended before there was anything to explain\n');
  }
}
