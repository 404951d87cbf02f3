import { errorMessage, TsbuildError } from '../errors.ts';

/** Several things were asked for, each on its own: throws what went wrong with them, if anything did. */
export function throwAll(errors: readonly unknown[]): void {
  const [first, ...rest] = errors;
  if (first === undefined) return;
  if (rest.length === 0) throw first;
  const hint = errors.find((error) => error instanceof TsbuildError && error.hint !== undefined);
  throw new TsbuildError('SEVERAL_FAILED', errors.map(errorMessage).join('\n'), {
    cause: new AggregateError(errors, 'each on its own'),
    ...(hint instanceof TsbuildError && hint.hint !== undefined ? { hint: hint.hint } : {}),
  });
}
