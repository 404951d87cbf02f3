import { withoutDescriptor } from '../../content/index.ts';
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

/** Said as a push says it: which request, what the registry answered, and what to do about it. */
export function cacheExportFailed(name: string, cause: unknown): TsbuildError {
  const known = cause instanceof TsbuildError ? cause : undefined;
  const remedies = [known?.hint ?? formHint(known?.code), WITHOUT_CACHE];
  return new TsbuildError(
    'CACHE_EXPORT_FAILED',
    `cannot export the cache to ${name}: ${errorMessage(withoutDescriptor(cause))}`,
    {
      cause,
      hint: remedies.filter((remedy) => remedy !== undefined).join('; '),
      details: { ...known?.details, name },
    },
  );
}

const WITHOUT_CACHE = 'with ignore-error=true in --cache-to the build goes on without';

/** Some registries take no manifests but those of images. */
function formHint(code: string | undefined): string | undefined {
  return code === 'MANIFEST_INVALID' || code === 'UNSUPPORTED'
    ? 'the registry may not know the form: try image-manifest=false or oci-mediatypes=false in --cache-to'
    : undefined;
}
