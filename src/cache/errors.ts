import { TsbuildError } from '../errors.ts';

/** Only trees in the store can be remembered: a fault of this program, not of its user. */
export function notStorable(step: string): TsbuildError {
  return new TsbuildError(
    'OP_INVALID',
    `the result of ${JSON.stringify(step)} is not in the store and cannot be cached`,
  );
}
