import type { ReopenableContent, TransferOptions } from '../content/targets.ts';
import { TsbuildError } from '../errors.ts';
import type { Descriptor } from '../oci/index.ts';
import { pushScope } from './auth.ts';
import { uploadFailed } from './errors.ts';
import type { RepositoryContext } from './repository-context.ts';
import { backoffMs, isRetryableError, pause } from './retry.ts';
import { BodyFailure, discardBody } from './transport.ts';
import {
  cancelUpload,
  commitUpload,
  patchChunk,
  putWhole,
  readUploadStatus,
  startUpload,
  type UploadSession,
} from './upload-session.ts';

/** Where a registry, or a proxy before it, refuses large requests. */
const CHUNK_BYTES = 32 * 1024 * 1024;
const MIN_CHUNK_BYTES = 1024 * 1024;
/** However slowly a bad line gets on, some day it is enough. */
const MAX_ROUNDS = 100;

/**
 * Uploads a blob: whole in one request, as registries like it best. When that breaks, the registry is asked how much arrived and the rest
 * follows; where large requests are refused (413), in chunks. `session` is one that a refused mount left open. Throws
 * `BLOB_UPLOAD_FAILED` when attempts run out, and what the registry refuses for good.
 */
export async function pushBlob(
  context: RepositoryContext,
  descriptor: Descriptor,
  content: ReopenableContent,
  { signal, onProgress }: TransferOptions,
  session: UploadSession | undefined,
): Promise<void> {
  const upload = new Upload(context, descriptor, content, onProgress ?? (() => {}), signal, session);
  let failures = 0;
  for (let round = 1; ; round++) {
    const before = upload.received;
    try {
      await upload.run();
      return;
    } catch (error) {
      signal?.throwIfAborted();
      // Progress is a new beginning; only attempts that bring nothing are counted.
      failures = upload.received > before ? 1 : failures + 1;
      const isLast = failures >= context.maxAttempts || round >= MAX_ROUNDS;
      if (isLast || !(await upload.recover(error, failures))) {
        await upload.cancel();
        throw upload.explain(error, isLast);
      }
    }
  }
}

/** Whether the registry has the blob. */
export async function blobExists(
  { requester, url, path }: RepositoryContext,
  { digest }: Descriptor,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const response = await requester.send({
    method: 'HEAD',
    url: url(`blobs/${digest}`),
    scopes: [pushScope(path)],
    expect: [200, 404],
    ...(signal === undefined ? {} : { signal }),
  });
  await discardBody(response);
  return response.status === 200;
}

class Upload {
  readonly #context: RepositoryContext;
  readonly #descriptor: Descriptor;
  readonly #content: ReopenableContent;
  readonly #onProgress: (current: number) => void;
  readonly #signal: AbortSignal | undefined;
  #session: UploadSession | undefined;
  #chunkBytes = Number.POSITIVE_INFINITY;
  #resumed = false;
  #isThere = false;

  constructor(
    context: RepositoryContext,
    descriptor: Descriptor,
    content: ReopenableContent,
    onProgress: (current: number) => void,
    signal: AbortSignal | undefined,
    session: UploadSession | undefined,
  ) {
    this.#context = context;
    this.#descriptor = descriptor;
    this.#content = content;
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.#session = session;
  }

  /** Bytes that the registry is known to have. */
  get received(): number {
    return this.#session?.offset ?? 0;
  }

  /** Goes on from where the upload stands, to its end. */
  async run(): Promise<void> {
    if (this.#isThere) return;
    const descriptor = this.#descriptor;
    const { size } = descriptor;
    let session = this.#session ?? (await startUpload(this.#context, this.#descriptor, this.#signal));
    // Only a mount needs no session, and none was asked for.
    if (session === undefined) return;
    this.#session = session;
    if (session.offset === 0 && size <= this.#chunkBytes)
      return putWhole(this.#context, session, this.#descriptor, this.#content, this.#onProgress, this.#signal);
    const chunk = Math.max(this.#chunkBytes, session.minChunkBytes);
    while (session.offset < size) {
      const end = Math.min(size, session.offset + chunk);
      session = await patchChunk(
        this.#context,
        session,
        descriptor,
        this.#content,
        end,
        this.#onProgress,
        this.#signal,
      );
      this.#session = session;
    }
    await commitUpload(this.#context, session, this.#descriptor, this.#signal);
  }

  /** Prepares the next attempt; false when there is no point in one. */
  async recover(error: unknown, failures: number): Promise<boolean> {
    if (error instanceof BodyFailure && !isRetryableError(error)) return false;
    const status = error instanceof TsbuildError ? error.details.status : undefined;
    const code = error instanceof TsbuildError ? error.code : undefined;
    if (status === 413) return this.#useSmallerChunks();
    if (code === 'BLOB_UPLOAD_UNKNOWN' || code === 'BLOB_UPLOAD_INVALID' || status === 416)
      return this.#restart(failures);
    // What was joined together after a break is not what was sent: once more, in one piece.
    if (code === 'DIGEST_MISMATCH' && this.#resumed) return this.#restart(failures);
    const isTransient =
      isRetryableError(error) || (typeof status === 'number' && (status >= 500 || status === 408 || status === 429));
    if (!isTransient) return false;
    await pause(backoffMs(failures), this.#signal);
    await this.#resume();
    return true;
  }

  async cancel(): Promise<void> {
    if (this.#session !== undefined) await cancelUpload(this.#context, this.#session);
  }

  explain(error: unknown, attemptsRanOut: boolean): unknown {
    // The source's failure is its own.
    if (error instanceof BodyFailure) return error.cause;
    if (!attemptsRanOut && error instanceof TsbuildError) return error;
    const what = error instanceof Error ? error.message : String(error);
    return uploadFailed(this.#context.url(''), this.#descriptor.digest, what, error);
  }

  /** Asks the registry what it has, and goes on from there. */
  async #resume(): Promise<void> {
    if (this.#session === undefined) return;
    let status: UploadSession | undefined;
    try {
      status = await readUploadStatus(this.#context, this.#session, this.#signal);
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!isRetryableError(error)) throw error;
    }
    if (status !== undefined && status.offset <= this.#descriptor.size) {
      this.#resumed = true;
      this.#session = status;
      return;
    }
    // The break may have hidden that all went well.
    this.#isThere = await blobExists(this.#context, this.#descriptor, this.#signal);
    if (!this.#isThere) await this.cancel();
    this.#session = undefined;
  }

  async #restart(failures: number): Promise<boolean> {
    this.#session = undefined;
    this.#resumed = false;
    if (failures > 1) await pause(backoffMs(failures), this.#signal);
    return true;
  }

  async #useSmallerChunks(): Promise<boolean> {
    const least = Math.max(MIN_CHUNK_BYTES, this.#session?.minChunkBytes ?? 0);
    if (this.#chunkBytes <= least) return false;
    this.#chunkBytes = this.#chunkBytes > CHUNK_BYTES ? CHUNK_BYTES : Math.max(least, Math.floor(this.#chunkBytes / 4));
    // The refused request may have left some of its bytes behind.
    await this.cancel();
    this.#session = undefined;
    return true;
  }
}
