import { errorCode, errorMessage, TsbuildError } from '../errors.ts';

export function destinationMissing(type: string): TsbuildError {
  return new TsbuildError('EXPORT_DEST_MISSING', `output type=${type} needs dest=`, {
    hint: `say where to write it: -o type=${type},dest=<path>${type === 'local' ? '' : ', or dest=- for standard output'}`,
  });
}

export function nameMissing(): TsbuildError {
  return new TsbuildError('EXPORT_NAME_MISSING', 'a push needs a name for the image', {
    hint: 'give it one with -t, for example -t registry.example/app:1',
  });
}

/** A file or directory outside of the store could not be written. */
export function exportFailed(dest: string, cause: unknown): TsbuildError {
  if (cause instanceof TsbuildError) return cause;
  const code = errorCode(cause);
  const hint =
    code === 'ENOENT'
      ? 'its directory does not exist'
      : code === 'EISDIR'
        ? 'it is a directory; name a file, or for type=oci add tar=false to write a layout into it'
        : code === 'ENOSPC'
          ? 'the disk is full: free some space, or choose another place'
          : code === 'EACCES' || code === 'EPERM'
            ? 'choose a place that you may write to'
            : undefined;
  return new TsbuildError('EXPORT_FAILED', `cannot write ${dest}: ${errorMessage(cause)}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
    details: { dest },
  });
}
