import { TsbuildError } from '../errors.ts';
import type { Context } from './context.ts';

/**
 * Asks before something is removed, as docker does: `y` and `yes` agree, everything else does not. Throws `CONFIRMATION_NEEDED` where there
 * is nobody to ask.
 */
export async function confirm(context: Context, warning: string): Promise<boolean> {
  if (context.stdin.isTTY !== true)
    throw new TsbuildError('CONFIRMATION_NEEDED', 'this removes things and there is no terminal to ask at', {
      hint: 'give --force where nobody can answer',
    });
  context.stderr.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: context.stdin });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
      context.signal.addEventListener('abort', () => resolve(''), { once: true });
    });
    context.signal.throwIfAborted();
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
