import { errorCode, errorMessage, TsbuildError } from '../errors.ts';

/** The root could not be made or opened. */
export function storeUnavailable(root: string, cause: unknown): TsbuildError {
  const code = errorCode(cause);
  const hint =
    code === 'EACCES' || code === 'EPERM'
      ? 'choose a directory that you may write to with --root or TSBUILD_ROOT'
      : code === 'ENOSPC'
        ? 'the disk is full: free some space, or choose another place with --root'
        : code === 'EROFS'
          ? 'the file system is read-only: commands that list and show work there, others need another place (--root)'
          : 'check the directory, or choose another with --root or TSBUILD_ROOT';
  return new TsbuildError('STORE_UNAVAILABLE', `cannot open the store ${root}: ${errorMessage(cause)}`, {
    cause,
    hint,
  });
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Names a failed write to the store, apart from errors that already say what they are. */
export function writeFailed(path: string, cause: unknown): TsbuildError {
  if (cause instanceof TsbuildError) return cause;
  if (FULL.has(errorCode(cause) ?? ''))
    return new TsbuildError('STORE_FULL', `no space left to write ${path}`, {
      cause,
      hint: 'remove images or the build cache, or choose a root on a larger disk with --root or TSBUILD_ROOT',
      details: { path },
    });
  return new TsbuildError('STORE_WRITE_FAILED', `cannot write ${path}: ${errorMessage(cause)}`, {
    cause,
    details: { path },
  });
}

/** What the tables or a file of the store hold cannot be read. */
export function storeDamaged(path: string, why: string, cause?: unknown): TsbuildError {
  return new TsbuildError('STORE_DAMAGED', `the store is damaged: ${path}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "run 'tsbuild fsck' to see what is wrong, 'tsbuild fsck --repair' to mend it; no image is lost by that",
    details: { path },
  });
}

/** The root's directory was written by an incompatible version. */
export function storeVersion(root: string, found: string, expected: number): TsbuildError {
  return new TsbuildError('STORE_VERSION', `the store ${root} has format ${found}, this tsbuild writes ${expected}`, {
    hint: 'use the tsbuild that wrote it, or choose another directory with --root',
  });
}

/** A record's key is longer than the tables take: a name of some hundred bytes, which no reference has. */
export function keyTooLong(key: string): TsbuildError {
  return new TsbuildError('STORE_KEY_TOO_LONG', `the store has no record for so long a name: ${key.slice(0, 80)}…`);
}
