import { errorMessage, TsbuildError } from '../errors.ts';

export function buildNotFound(reference: string, known: number): TsbuildError {
  return new TsbuildError(
    'BUILD_NOT_FOUND',
    `there is no record of a build ${reference === '' ? '' : `${reference} `}here`,
    {
      hint:
        known === 0
          ? 'no build has been made in this store: is it the right one (--root)?'
          : "'tsbuild builds ls' shows those that are kept; ^1 is the one before the last",
      details: { reference },
    },
  );
}

export function buildNotRemoved(id: string, cause: unknown): TsbuildError {
  return new TsbuildError('STORE_WRITE_FAILED', `cannot remove the record of build ${id}: ${errorMessage(cause)}`, {
    cause,
    details: { id },
  });
}

export function buildAmbiguous(reference: string, ids: readonly string[]): TsbuildError {
  return new TsbuildError(
    'BUILD_AMBIGUOUS',
    `${reference} may be ${ids.length} builds: ${ids.slice(0, 5).join(', ')}`,
    {
      hint: 'give more of the id',
      details: { reference },
    },
  );
}

export function buildRunning(id: string): TsbuildError {
  return new TsbuildError('BUILD_RUNNING', `build ${id} is still running`, {
    hint: 'its record can be removed when it has ended',
    details: { id },
  });
}

/** There is no graph in it to compare: the build failed before it had one, or was killed. */
export function buildIncomplete(id: string, status: string): TsbuildError {
  return new TsbuildError('BUILD_INCOMPLETE', `the record of build ${id} has no steps to explain (${status})`, {
    hint: "'tsbuild builds inspect' shows what is known of it",
    details: { id },
  });
}

/** What lies in the place of a log is none, and nobody knows who put it there. */
export function logUnreadable(id: string, path: string, why: string, cause?: unknown): TsbuildError {
  return new TsbuildError('BUILD_INCOMPLETE', `the log of build ${id} cannot be read: ${path}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: `'tsbuild fsck --repair' takes it out of the store; 'tsbuild builds rm ${id}' removes the build's record`,
    details: { id, path },
  });
}

export function logGone(id: string, path: string): TsbuildError {
  return new TsbuildError('BUILD_INCOMPLETE', `the log of build ${id} is gone`, {
    hint: "'tsbuild builds inspect' shows what is known of it",
    details: { id, path },
  });
}
