import { errorCode, errorMessage, TsbuildError } from '../errors.ts';

/** The command line is not understood. */
export function usageError(message: string, hint?: string, cause?: unknown): TsbuildError {
  return new TsbuildError('USAGE', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A flag's value is not one that it takes. */
export function invalidFlag(flag: string, value: string, why: string, hint?: string, cause?: unknown): TsbuildError {
  return new TsbuildError('FLAG_INVALID', `invalid argument ${JSON.stringify(value)} for ${flag}: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
    details: { flag, value },
  });
}

/** A flag of docker that would have to be ignored. */
export function unsupportedFlag(flag: string, hint?: string): TsbuildError {
  return new TsbuildError('FLAG_UNSUPPORTED', `${flag} is not supported yet`, {
    hint: hint ?? 'leave it out; tsbuild refuses what it would otherwise have to ignore',
    details: { flag },
  });
}

/** A file that a flag names cannot be written. */
export function fileUnwritable(flag: string, path: string, cause: unknown): TsbuildError {
  const code = errorCode(cause);
  const hint =
    code === 'ENOENT'
      ? 'its directory does not exist'
      : code === 'EACCES' || code === 'EPERM'
        ? 'choose a place that you may write to'
        : undefined;
  return new TsbuildError('FILE_UNWRITABLE', `cannot write the file of ${flag}, ${path}: ${errorMessage(cause)}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
    details: { flag, path },
  });
}
