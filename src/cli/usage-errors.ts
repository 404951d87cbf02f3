import { accessSync, constants, statSync } from 'node:fs';
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
        : code === 'ENOSPC' || code === 'EDQUOT'
          ? 'the disk is full: free some space, or choose another place'
          : undefined;
  return new TsbuildError('FILE_UNWRITABLE', `cannot write the file of ${flag}, ${path}: ${errorMessage(cause)}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
    details: { flag, path },
  });
}

/** Throws `FILE_UNREADABLE` for a file that a flag names and that is not there or no file. */
export function checkReadable(flag: string, path: string): void {
  try {
    accessSync(path, constants.R_OK);
    if (statSync(path).isDirectory()) throw Object.assign(new Error('it is a directory'), { code: 'EISDIR' });
  } catch (cause) {
    const why = errorCode(cause) === 'ENOENT' ? 'it does not exist' : errorMessage(cause);
    throw new TsbuildError('FILE_UNREADABLE', `cannot read the file of ${flag}, ${path}: ${why}`, {
      cause,
      hint: 'check the path: it is taken from the working directory',
      details: { flag, path },
    });
  }
}
