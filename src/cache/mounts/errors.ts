import { TsbuildError } from '../../errors.ts';
import { suggest } from '../../suggest.ts';

export function mountNotFound(id: string, known: readonly string[], where: string): TsbuildError {
  const near = suggest(id, known);
  const hint =
    near === undefined
      ? known.length === 0
        ? 'there is none at all'
        : `there are ${[...new Set(known)].slice(0, 8).join(', ')}`
      : `did you mean ${near}?`;
  return new TsbuildError('CACHE_MOUNT_NOT_FOUND', `no cache mount ${JSON.stringify(id)} in ${where}`, {
    hint,
    details: { id, where },
  });
}

export function mountAmbiguous(id: string, names: readonly string[]): TsbuildError {
  return new TsbuildError(
    'CACHE_MOUNT_AMBIGUOUS',
    `${names.length} cache mounts begin with ${id}: ${names.map((name) => name.slice(0, 12)).join(', ')}`,
    { hint: 'give more digits', details: { id } },
  );
}

export function mountInUse(id: string): TsbuildError {
  return new TsbuildError('CACHE_MOUNT_IN_USE', `the cache mount ${id} is in use by a step of a running build`, {
    hint: 'wait until the build has ended, and try again',
    details: { id },
  });
}

/** A shared mount that changes faster than it can be read. */
export function mountBusy(id: string, cause: unknown): TsbuildError {
  return new TsbuildError('CACHE_MOUNT_BUSY', `the cache mount ${id} was changed again and again while it was read`, {
    cause,
    hint: 'export it when no step uses it, or mount it with sharing=locked',
    details: { id },
  });
}

export function artifactInvalid(where: string, why: string): TsbuildError {
  return new TsbuildError('CACHE_MOUNT_ARTIFACT_INVALID', `${where} is not an exported cache mount: ${why}`, {
    hint: 'name a place that tsbuild cache-mount export wrote to',
    details: { where },
  });
}

/** Its descriptors say more than the disk has room for. */
export function artifactTooLarge(where: string, bytes: number, free: number): TsbuildError {
  return new TsbuildError('STORE_FULL', `${where} unpacks to ${bytes} bytes, and there is room for ${free}`, {
    hint: 'free some space, or choose another place with --root',
    details: { where, actual: bytes, expected: free },
  });
}

export function placeNotFound(place: string, cause?: unknown): TsbuildError {
  return new TsbuildError('CACHE_MOUNT_NOT_FOUND', `there are no cache mounts in ${place}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'check the place, or export to it first',
    details: { where: place },
  });
}
