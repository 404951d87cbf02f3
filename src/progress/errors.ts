import { TsbuildError } from '../errors.ts';

export function noTerminal(): TsbuildError {
  return new TsbuildError('PROGRESS_NO_TERMINAL', 'progress mode tty needs a terminal, and standard error is none', {
    hint: 'use --progress=plain, or auto to choose by itself',
  });
}
