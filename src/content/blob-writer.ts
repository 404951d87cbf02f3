import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { type Descriptor, digestAlgorithm } from '../oci/index.ts';
import { writeFailed } from '../store/errors.ts';
import type { IngestOptions } from './content-store.ts';
import { digestMismatch, sizeMismatch, unsupportedAlgorithm } from './errors.ts';

/** Chunks are gathered to writes of this size: a socket's 64 KiB pieces would each cost a trip to the thread pool. */
const BATCH_BYTES = 1024 * 1024;
/** How much may be written before the kernel is asked to begin flushing, so that the final fsync has little left to do. */
const FLUSH_BYTES = 64 * 1024 * 1024;

/**
 * Writes `source` to the new file `path`, flushed (but for `passing`), with exactly the digest and size that are expected. Whatever goes wrong
 * (`DIGEST_MISMATCH`, `SIZE_MISMATCH`, `STORE_FULL`, an error of the source, an abort), the file is gone afterwards.
 */
export async function writeBlob(
  path: string,
  expected: Pick<Descriptor, 'digest' | 'size'>,
  source: AsyncIterable<Uint8Array>,
  options: IngestOptions = {},
): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    // A signal of its own that follows the caller's: many listeners on one look like a leak to Node.
    if (options.signal !== undefined && source instanceof Readable)
      addAbortSignal(AbortSignal.any([options.signal]), source);
    handle = await openNew(path);
    await receive(handle, path, expected, source, options);
    if (!options.passing) await attempt(path, handle.sync());
    await handle.close();
  } catch (error) {
    discardSource(source);
    await handle?.close().catch(() => {});
    await rm(path, { force: true });
    // A destroyed stream says only that it was destroyed; the signal knows why.
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** Lets go of a stream that nobody will read. */
export function discardSource(source: AsyncIterable<Uint8Array>): void {
  if (!(source instanceof Readable)) return;
  source.on('error', () => {});
  source.destroy();
}

async function receive(
  handle: FileHandle,
  path: string,
  expected: Pick<Descriptor, 'digest' | 'size'>,
  source: AsyncIterable<Uint8Array>,
  { signal, onProgress }: IngestOptions,
): Promise<void> {
  const algorithm = digestAlgorithm(expected.digest);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') throw unsupportedAlgorithm(expected.digest);
  const hash = createHash(algorithm);
  const writer = createBatchWriter(handle, path);
  let size = 0;
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      size += chunk.byteLength;
      if (size > expected.size) throw sizeMismatch(expected.digest, expected.size, undefined);
      hash.update(chunk);
      await writer.write(chunk);
      onProgress?.(size);
    }
  } finally {
    // The file is closed next; no write may be under way then.
    await writer.settle();
  }
  await writer.end();
  if (size !== expected.size) throw sizeMismatch(expected.digest, expected.size, size);
  const actual = `${algorithm}:${hash.digest('hex')}`;
  if (actual !== expected.digest) throw digestMismatch(expected.digest, actual);
}

/** Gathers chunks and writes one batch while the next one arrives. */
function createBatchWriter(handle: FileHandle, path: string) {
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let unflushed = 0;
  let writing: Promise<void> = Promise.resolve();
  let flushing: Promise<void> | undefined;

  const writeBatch = async (chunks: readonly Uint8Array[], bytes: number): Promise<void> => {
    const { bytesWritten } = await attempt(path, handle.writev(chunks));
    if (bytesWritten < bytes) await attempt(path, handle.writeFile(Buffer.concat(chunks).subarray(bytesWritten)));
    unflushed += bytes;
    if (unflushed < FLUSH_BYTES || flushing !== undefined) return;
    unflushed = 0;
    // Early flushing is an optimisation; the fsync at the end reports what fails.
    flushing = handle.datasync().then(
      () => {
        flushing = undefined;
      },
      () => {},
    );
  };
  const startWrite = async (): Promise<void> => {
    await writing;
    const [chunks, bytes] = [batch, batchBytes];
    batch = [];
    batchBytes = 0;
    writing = writeBatch(chunks, bytes);
    writing.catch(() => {});
  };
  return {
    async write(chunk: Uint8Array): Promise<void> {
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      if (batchBytes >= BATCH_BYTES) await startWrite();
    },
    async end(): Promise<void> {
      if (batchBytes > 0) await startWrite();
      await writing;
      await flushing;
    },
    async settle(): Promise<void> {
      await writing.catch(() => {});
      await flushing;
    },
  };
}

async function openNew(path: string): Promise<FileHandle> {
  return attempt(path, open(path, 'wx', 0o644));
}

/** Tells a failure of the disk from one of the source. */
async function attempt<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw writeFailed(path, error);
  }
}
