import { withoutDescriptor } from '../content/index.ts';
import { errorMessage, stableCode, TsbuildError } from '../errors.ts';
import { isNativeError } from '../native/errors.ts';
import { type Digest, formatPlatform, type Platform, shortDigest } from '../oci/index.ts';

export function imageNotFound(reference: string): TsbuildError {
  return new TsbuildError('IMAGE_NOT_FOUND', `no such image: ${reference}`, {
    hint: 'tsbuild images lists what the store has; tsbuild pull gets an image from a registry',
    details: { reference },
  });
}

export function imageAmbiguous(reference: string, found: readonly Digest[]): TsbuildError {
  return new TsbuildError(
    'IMAGE_AMBIGUOUS',
    `${reference} is the beginning of ${found.length} image IDs: ${found.map(shortDigest).join(', ')}`,
    { hint: 'give more digits', details: { reference } },
  );
}

/** rmi by ID of an image with names in several repositories. */
export function imageInUse(imageID: Digest, names: readonly string[]): TsbuildError {
  return new TsbuildError(
    'IMAGE_IN_USE',
    `conflict: unable to delete ${shortDigest(imageID)} (must be forced) - image is referenced in multiple repositories: ${names.join(', ')}`,
    { hint: 'remove its names one by one, or all of them with --force', details: { imageID } },
  );
}

export function platformNotFound(
  reference: string,
  wanted: readonly Platform[],
  have: readonly Platform[],
): TsbuildError {
  const offered = [...new Set(have.map(formatPlatform))].join(', ') || 'no platform at all';
  return new TsbuildError(
    'PLATFORM_NOT_FOUND',
    `${reference} has no image for ${wanted.map(formatPlatform).join(', ')}; it has ${offered}`,
    { hint: 'choose one of its platforms with --platform', details: { reference, have: offered } },
  );
}

/** A manifest that is no container image (an artifact, a chart, …). */
export function notAnImage(reference: string, why: string): TsbuildError {
  return new TsbuildError('IMAGE_UNSUPPORTED', `${reference} is not a container image: ${why}`, {
    details: { reference },
  });
}

export function layerCountMismatch(reference: string, layers: number, diffIDs: number): TsbuildError {
  return new TsbuildError(
    'MANIFEST_INVALID',
    `${reference}: the manifest has ${layers} layers, the config's rootfs.diff_ids has ${diffIDs}`,
    { hint: 'the image is damaged where it comes from; ask whoever made it', details: { reference, layers, diffIDs } },
  );
}

/** Neither a blob nor a snapshot nor a registry has the layer. */
export function layerLost(imageID: Digest, diffID: Digest): TsbuildError {
  return new TsbuildError(
    'LAYER_LOST',
    `layer ${diffID} of image ${shortDigest(imageID)} is neither in the store nor in a known repository`,
    { hint: 'build or pull the image again', details: { imageID, diffID } },
  );
}

/** A blob that no repository which is known to have had it gives any more. */
export function blobLost(digest: Digest, repositories: readonly string[], cause: unknown): TsbuildError {
  const tried =
    repositories.length === 0
      ? 'no repository is known to have it'
      : `tried ${repositories.join(', ')}: ${errorMessage(cause)}`;
  return new TsbuildError('CONTENT_NOT_FOUND', `${digest} is not in the store; ${tried}`, {
    cause,
    hint: 'pull or build the image again',
    details: { digest },
  });
}

export function archiveInvalid(why: string, cause?: unknown): TsbuildError {
  return new TsbuildError('ARCHIVE_INVALID', `not an image archive: ${why}`, {
    cause,
    hint: 'docker save, skopeo copy, podman save and tsbuild save write archives that can be loaded',
  });
}

/** A name that is given to an image cannot hold a digest: that is for its content to say. */
export function refuseDigest(name: string): TsbuildError {
  return new TsbuildError('REFERENCE_INVALID', `cannot name an image ${JSON.stringify(name)}: it has a digest`, {
    hint: 'give a name with a tag, for example app:1',
  });
}

/** A snapshot no longer packs to the layer that it was: something wrote into it. */
export function layerChanged(snapshot: string, expected: Digest, actual: Digest): TsbuildError {
  return new TsbuildError(
    'SNAPSHOT_CORRUPT',
    `snapshot ${snapshot} has changed: its layer is ${actual}, expected ${expected}`,
    {
      hint: 'something wrote into the store; build the image again with --no-cache',
      details: { snapshot, expected, actual },
    },
  );
}

/**
 * A push or a pull stopped: begins with the name, which has the registry in it, and goes on with the request that failed. Which blob or
 * manifest it was is in the details. What is no error of ours (an abort) is passed on.
 */
export function transferFailed(verb: 'push' | 'pull', name: string, error: unknown): unknown {
  if (!(error instanceof TsbuildError) || error.message.includes(name)) return error;
  // copyGraph says which descriptor it was; the request says more.
  return new TsbuildError(error.code, `cannot ${verb} ${name}: ${errorMessage(withoutDescriptor(error))}`, {
    cause: error,
    details: { ...error.details, reference: name },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** An image ID does not say where to push to. */
export function nameNeeded(text: string): TsbuildError {
  return new TsbuildError('REFERENCE_INVALID', `${text} is an image ID: a push needs a name`, {
    hint: 'give the image a name with tsbuild tag, and push that',
  });
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Unpacking stopped: a damaged or hostile layer, or a file system that could not take it. */
export function unpackFailed(reference: string, cause: unknown): unknown {
  if (!isNativeError(cause)) return cause;
  const isFull = FULL.has(cause.code);
  const isSystem = stableCode(cause) === undefined;
  const code = isFull ? 'STORE_FULL' : isSystem ? 'UNPACK_FAILED' : cause.code;
  const hint = isFull
    ? 'remove images or the build cache, or choose a root on a larger disk with --root or TSBUILD_ROOT'
    : isSystem
      ? undefined
      : 'the image is damaged where it comes from, or was made to do harm; ask whoever made it';
  const what = cause.code === 'DIFFID_MISMATCH' ? `${reference}: a layer is not what its diff_id says` : reference;
  return new TsbuildError(code, `cannot unpack ${what}: ${cause.message}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
    details: { reference, ...(cause.path === undefined ? {} : { path: cause.path }) },
  });
}

/** A tree of an imported cache is not to be had: the steps that made it run again. */
export function cacheLayerLost(name: string, cause: unknown): TsbuildError {
  return new TsbuildError('CACHE_LAYER_LOST', `a layer of the cache ${name} cannot be had: ${errorMessage(cause)}`, {
    cause,
    details: { name },
  });
}
