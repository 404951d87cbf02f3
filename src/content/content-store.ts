import type { Readable } from 'node:stream';
import type { Descriptor, Digest } from '../oci/index.ts';

/**
 * Blobs by digest. A blob is either whole and verified, or not there: bytes go to a temporary file, are checked against digest and
 * size, flushed, and renamed into place.
 */
export interface ContentStore extends Provider, Ingester {
  /**
   * Takes blobs out of the store at once, by renaming them; what is returned deletes the files. For collectors: whoever else has claimed
   * one finds it gone.
   */
  retire(digests: readonly Digest[]): Promise<() => Promise<void>>;
  list(): Iterable<BlobInfo>;
  /** Ends the half-written files of processes that are gone. */
  sweep(): Promise<void>;
}

export interface BlobInfo {
  readonly digest: Digest;
  readonly size: number;
}

export interface Provider {
  /** `undefined` when the blob is not in the store. */
  stat(digest: Digest): BlobInfo | undefined;
  /** The same for a blob that is to be relied on: what is found is not collected before the store is closed. */
  claim(digest: Digest): Promise<BlobInfo | undefined>;
  /** The path of a blob, for native code that reads it; throws `CONTENT_NOT_FOUND`. */
  path(digest: Digest): string;
  /** A stream from byte `offset`; throws `CONTENT_NOT_FOUND`. */
  open(digest: Digest, offset?: number): Readable;
  /** A small blob whole, verified against its digest; throws `CONTENT_NOT_FOUND`, `CONTENT_TOO_LARGE`, `CONTENT_CORRUPT`. */
  read(digest: Digest, maxBytes: number): Promise<Buffer>;
}

interface Ingester {
  /**
   * Streams a blob in, verifying digest and size; does nothing when it is already there, but to claim it. Throws `DIGEST_MISMATCH`,
   * `SIZE_MISMATCH`, `STORE_FULL`; whatever is thrown, nothing half-written stays.
   */
  ingest(
    expected: Pick<Descriptor, 'digest' | 'size'>,
    source: AsyncIterable<Uint8Array>,
    options?: IngestOptions,
  ): Promise<void>;
  /** Stores bytes in hand and gives their descriptor. */
  put(mediaType: string, content: Uint8Array): Promise<Descriptor>;
  /** A path where native code may write a blob that it will hash itself; swept when this process dies before `adopt`. */
  temporaryPath(): Promise<string>;
  /** Takes over a file written at a `temporaryPath()`, whose digest and size its writer computed. */
  adopt(path: string, info: BlobInfo): Promise<void>;
}

export interface IngestOptions {
  /** Not flushed to the disk: for a file that does not outlive the process, or where many are flushed at once afterwards. */
  readonly passing?: boolean;
  readonly signal?: AbortSignal;
  /** Bytes so far. */
  readonly onProgress?: (current: number) => void;
}
