import { errorMessage, TsbuildError } from '../../errors.ts';

/** What was found is no cache in BuildKit's form, or one that nobody may follow. */
export function cacheInvalid(where: string, why: string): TsbuildError {
  return new TsbuildError('CACHE_CONFIG_INVALID', `${where} is no cache that can be read: ${why}`, {
    details: { where },
  });
}

/** There is an image, but no cache in it. */
export function noCache(where: string): TsbuildError {
  return new TsbuildError('CACHE_NOT_FOUND', `${where} has no cache in it`, {
    hint: 'an image has one when it was built with --cache-to type=inline',
    details: { where },
  });
}

export function cacheExportFailed(name: string, cause: unknown): TsbuildError {
  return new TsbuildError('CACHE_EXPORT_FAILED', `cannot export the cache to ${name}: ${errorMessage(cause)}`, {
    cause,
    // What the registry or the disk wants is what helps; else the build may do without.
    hint:
      (cause instanceof TsbuildError ? cause.hint : undefined) ??
      'with ignore-error=true in --cache-to the build succeeds all the same',
    details: { name },
  });
}
