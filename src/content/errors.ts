import { errorCode, errorMessage, stableCode, TsbuildError } from '../errors.ts';
import type { Descriptor, Digest } from '../oci/index.ts';

const NOT_FOUND = new Set(['IMAGE_NOT_FOUND', 'CONTENT_NOT_FOUND', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'BLOB_UNKNOWN']);

/** Whether an error says that what was asked for is not in that place, as against a place that could not be asked. */
export function isNotFound(error: unknown): boolean {
  return NOT_FOUND.has(errorCode(error) ?? '');
}

export function contentNotFound(digest: Digest, where: string): TsbuildError {
  return new TsbuildError('CONTENT_NOT_FOUND', `${digest} is not in ${where}`, { details: { digest, where } });
}

export function contentTooLarge(digest: Digest, size: number, maxBytes: number): TsbuildError {
  return new TsbuildError('CONTENT_TOO_LARGE', `${digest} has ${size} bytes, at most ${maxBytes} are read at once`, {
    details: { digest, actual: size, expected: maxBytes },
  });
}

/** Stored bytes no longer hash to their name. */
export function contentCorrupt(digest: Digest, actual: string, path: string): TsbuildError {
  return new TsbuildError('CONTENT_CORRUPT', `${path} is damaged: its content is ${actual}, expected ${digest}`, {
    hint: 'remove the file and pull or build the image again',
    details: { digest, actual, path },
  });
}

export function digestMismatch(expected: Digest, actual: string): TsbuildError {
  return new TsbuildError('DIGEST_MISMATCH', `the content received for ${expected} hashes to ${actual}`, {
    hint: 'the sender or something on the way changed it; try again, and if it stays, tell whoever runs the source',
    details: { expected, actual },
  });
}

/** `actual` undefined: there was more, and reading stopped. */
export function sizeMismatch(digest: Digest, expected: number, actual: number | undefined): TsbuildError {
  const found = actual === undefined ? 'more than that' : `${actual}`;
  return new TsbuildError(
    'SIZE_MISMATCH',
    `the content of ${digest} should have ${expected} bytes, received ${found}`,
    {
      hint: 'the sender or something on the way changed it; try again, and if it stays, tell whoever runs the source',
      details: { digest, expected, actual: actual ?? `more than ${expected}` },
    },
  );
}

export function unsupportedAlgorithm(digest: Digest): TsbuildError {
  return new TsbuildError('DIGEST_INVALID', `cannot verify ${digest}: its algorithm is not known`, {
    hint: 'sha256 and sha512 are',
  });
}

export function temporaryPathForeign(path: string, ingest: string): TsbuildError {
  return new TsbuildError('CONTENT_PATH_INVALID', `${path} was not made by temporaryPath(): it is not in ${ingest}`);
}

export function layoutInvalid(path: string, why: string, cause?: unknown): TsbuildError {
  return new TsbuildError('OCI_LAYOUT_INVALID', `${path} is not an OCI image layout: ${why}`, {
    cause,
    hint: 'an OCI image layout is a directory with oci-layout, index.json and blobs/',
  });
}

export function layoutNameUnknown(path: string, name: string, known: readonly string[]): TsbuildError {
  const some = known.slice(0, 10).join(', ');
  return new TsbuildError('IMAGE_NOT_FOUND', `the OCI layout ${path} has no image ${JSON.stringify(name)}`, {
    ...(some === '' ? {} : { hint: `it has: ${some}${known.length > 10 ? ', …' : ''}` }),
    details: { path, name },
  });
}

/** A copy stopped at `descriptor`, on the side that is named. The code is the cause's own where that is a stable one. */
export function copyFailed(descriptor: Descriptor, side: 'source' | 'target', cause: unknown): TsbuildError {
  const inner = cause instanceof TsbuildError ? cause : undefined;
  return new TsbuildError(
    stableCode(cause) ?? 'COPY_FAILED',
    `cannot copy ${descriptor.digest} (${descriptor.mediaType}), ${side}: ${errorMessage(cause)}`,
    {
      cause,
      ...(inner?.hint === undefined ? {} : { hint: inner.hint }),
      details: { ...inner?.details, digest: descriptor.digest, mediaType: descriptor.mediaType, side },
    },
  );
}

/** What stopped a copy, without the descriptor at which it did: for who says what was copied in words of his own. */
export function withoutDescriptor(error: unknown): unknown {
  const isCopy = error instanceof TsbuildError && 'side' in error.details && error.cause instanceof Error;
  return isCopy ? error.cause : error;
}

export function graphTooDeep(descriptor: Descriptor, depth: number): TsbuildError {
  return new TsbuildError('MANIFEST_INVALID', `${descriptor.digest}: indexes are nested more than ${depth} deep`);
}
