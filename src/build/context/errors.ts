import { errorCode, errorMessage, TsbuildError } from '../../errors.ts';
import { isNativeError } from '../../native/errors.ts';
import { redactUrl } from '../../remote-url/index.ts';

/** The main context, or a directory among the named ones, is not there or is none. */
export function contextUnreadable(path: string, why: string, cause?: unknown, hint?: string): TsbuildError {
  return new TsbuildError('CONTEXT_UNREADABLE', `cannot read the build context ${path}: ${why}`, {
    cause,
    hint:
      hint ??
      'a build context is a directory, usually ".", the URL of a git repository or of a tar, or "-" for standard input',
    details: { path },
  });
}

/** An ignore file is there, and cannot be read. */
export function ignoreUnreadable(path: string, cause: unknown): TsbuildError {
  return new TsbuildError('CONTEXT_UNREADABLE', `cannot read ${path}: ${errorMessage(cause)}`, {
    cause,
    hint: 'an ignore file is a text that this user may read',
    details: { path },
  });
}

/** A `--build-context` that means nothing. */
export function contextInvalid(name: string, value: string, why: string, hint: string): TsbuildError {
  const shown = redactUrl(value);
  return new TsbuildError('CONTEXT_INVALID', `the build context ${JSON.stringify(name)}=${shown}: ${why}`, {
    hint,
    details: { name, value: shown },
  });
}

/** A stream or a download that begins like an archive and is not a whole one. */
export function archiveUnreadable(what: string, cause: unknown): unknown {
  if (!isNativeError(cause) && !isFull(cause)) return cause;
  if (isFull(cause)) return contextUnwritable(what, cause);
  return new TsbuildError('CONTEXT_ARCHIVE_INVALID', `${what} cannot be unpacked: ${errorMessage(cause)}`, {
    cause,
    hint: 'the archive is damaged or was cut short: make it again, and see that what writes it does not fail',
  });
}

/** It is compressed, but what is inside is no tar. */
export function notTar(what: string): TsbuildError {
  return new TsbuildError('CONTEXT_ARCHIVE_INVALID', `${what} is compressed, and what is inside is not a tar`, {
    hint: 'a build context is a tar of the files, as "tar cz ." writes it; a Dockerfile alone is given uncompressed',
  });
}

/** Beginning with nothing: neither a tar nor a Dockerfile. */
export function streamEmpty(): TsbuildError {
  return new TsbuildError('CONTEXT_UNREADABLE', 'the build context from standard input is empty', {
    hint: 'what was to write the Dockerfile or the tar has written nothing: look at that command',
  });
}

/** Whoever writes the stream, or the way to them, failed. */
export function streamBroken(cause: unknown): TsbuildError {
  return new TsbuildError(
    'CONTEXT_UNREADABLE',
    `cannot read the build context from standard input: ${errorMessage(cause)}`,
    {
      cause,
      hint: 'look at the command that writes it',
    },
  );
}

/** Too much text for a Dockerfile, and no archive. */
export function streamTooLong(limit: number): TsbuildError {
  return new TsbuildError('CONTEXT_UNREADABLE', `standard input has more than ${limit} bytes and is no archive`, {
    hint: 'a Dockerfile is a small text; a context is a tar, plain or compressed by gzip, bzip2, xz or zstd',
  });
}

export function contextUnwritable(what: string, cause: unknown): TsbuildError {
  return new TsbuildError(
    isFull(cause) ? 'STORE_FULL' : 'STORE_WRITE_FAILED',
    `cannot keep ${what}: ${errorMessage(cause)}`,
    { cause, hint: 'free some space, or choose a root on a larger disk with --root' },
  );
}

function isFull(cause: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(cause) ?? '');
}
