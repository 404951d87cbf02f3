import { TsbuildError } from '../errors.ts';

/** The build names what its lock file has not. */
export function notLocked(kind: 'image' | 'url' | 'git', name: string, path: string, args: string): TsbuildError {
  const made = args === '' ? '' : `; it was made with ${args}`;
  return new TsbuildError('LOCK_MISSING', `${name} is not in ${path}${made}`, {
    hint: 'add it with tsbuild lock, or build without --locked',
    details: { kind, name, lockFile: path },
  });
}

/** Something is not what was locked. */
export function lockMismatch(name: string, expected: string, actual: string): TsbuildError {
  return new TsbuildError('LOCK_MISMATCH', `${name} is ${actual}, and ${expected} is locked`, {
    hint: `it has changed since: check it, then run tsbuild lock --update ${name}`,
    details: { name, expected, actual },
  });
}

/** What is locked cannot be had any more: it was removed where it came from. */
export function lockUnavailable(name: string, expected: string, cause: TsbuildError): TsbuildError {
  return new TsbuildError(cause.code, `${name} is locked to ${expected}, which cannot be had: ${cause.message}`, {
    cause,
    hint: `it may be gone where it came from: tsbuild lock --update ${name} locks what is there now`,
    details: { ...cause.details, name, expected },
  });
}

export function lockInvalid(path: string, why: string, cause?: unknown): TsbuildError {
  return new TsbuildError('LOCK_INVALID', `${path} is no lock file: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'write it anew with tsbuild lock',
    details: { path },
  });
}

export function lockVersion(path: string, version: string): TsbuildError {
  return new TsbuildError('LOCK_VERSION', `${path} has version ${version}, and this tsbuild reads version 1`, {
    hint: 'use the tsbuild that wrote it, or write it anew with tsbuild lock',
    details: { path, version },
  });
}

export function lockUnreadable(path: string, why: string, cause: unknown): TsbuildError {
  return new TsbuildError('LOCK_UNREADABLE', `cannot read the lock file ${path}: ${why}`, {
    cause,
    hint: 'tsbuild lock writes one; --lock-file names it',
    details: { path },
  });
}
