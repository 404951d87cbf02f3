import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { TsbuildError } from '../../errors.ts';
import type { NativeApi } from '../../native/types.ts';
import type { Snapshotter } from '../../snapshot/snapshotter.ts';
import type { VertexReporter } from '../../solver/types.ts';
import { MAX_DOCKERFILE_BYTES } from '../inputs.ts';
import { looksLikeArchive, MAGIC_BYTES } from './archive-magic.ts';
import { archiveUnreadable, contextUnwritable, notTar, streamBroken, streamEmpty, streamTooLong } from './errors.ts';

/** A context that was received as a stream: a tree in the store, for this build alone. */
export interface StreamContext {
  readonly directory: string;
  /** The stream was a Dockerfile; then the tree is empty. */
  readonly dockerfile: string | undefined;
  /** Removes the tree. When the process is killed, the next one's sweep does. */
  close(): Promise<void>;
}

export interface StreamDependencies {
  readonly snapshotter: Pick<Snapshotter, 'prepare'>;
  readonly native: Pick<NativeApi, 'changeTree'>;
}

const WHAT = 'the build context from standard input';

/**
 * Receives a build context as `docker build -` does: a tar, compressed or not, or else a Dockerfile. A tar goes to disk as it comes and
 * is unpacked from there; nothing of it is held in memory. Throws `CONTEXT_ARCHIVE_INVALID`, `CONTEXT_UNREADABLE`, `STORE_FULL`.
 */
export async function receiveStream(
  stream: Readable,
  dependencies: StreamDependencies,
  reporter: VertexReporter,
  signal: AbortSignal,
): Promise<StreamContext> {
  const abort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  const tree = await dependencies.snapshotter.prepare(undefined);
  const directory = tree.mount.upper ?? '';
  try {
    signal.throwIfAborted();
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
    const beginning = await readAtLeast(chunks, MAGIC_BYTES);
    if (beginning.length === 0) throw streamEmpty();
    let dockerfile: string | undefined;
    if (looksLikeArchive(beginning)) await unpack(beginning, chunks, directory, dependencies, reporter, signal);
    else dockerfile = await readText(beginning, chunks);
    signal.throwIfAborted();
    return { directory, dockerfile, close: () => tree.remove() };
  } catch (error) {
    stream.destroy();
    await finished(stream, { cleanup: true }).catch(() => {});
    await tree.remove();
    signal.throwIfAborted();
    throw error instanceof TsbuildError ? error : streamBroken(error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

type Chunks = AsyncIterator<Buffer | string>;

async function* remaining(chunks: Chunks): AsyncGenerator<Buffer> {
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield toBuffer(next.value);
}

async function readAtLeast(chunks: Chunks, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  while (size < bytes) {
    const next = await chunks.next();
    if (next.done === true) break;
    size += parts[parts.push(toBuffer(next.value)) - 1]?.length ?? 0;
  }
  return Buffer.concat(parts);
}

async function readText(beginning: Buffer, chunks: Chunks): Promise<string> {
  const parts = [beginning];
  let size = beginning.length;
  for await (const chunk of remaining(chunks)) {
    size += chunk.length;
    if (size > MAX_DOCKERFILE_BYTES) throw streamTooLong(MAX_DOCKERFILE_BYTES);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function unpack(
  beginning: Buffer,
  chunks: Chunks,
  directory: string,
  { snapshotter, native }: StreamDependencies,
  reporter: VertexReporter,
  signal: AbortSignal,
): Promise<void> {
  const spool = await snapshotter.prepare(undefined);
  try {
    const root = spool.mount.upper ?? '';
    // A name that no member of the tar has: what is no archive after all is copied under it.
    const name = `context-${randomBytes(16).toString('hex')}`;
    await save(join(root, name), beginning, chunks, reporter);
    signal.throwIfAborted();
    const action = { type: 'copy', source: 0, src: `/${name}`, dest: '/', ...UNPACK } as const;
    try {
      const sources = [{ root: { lowers: [root] } }];
      await native.changeTree({ root: { lowers: [], upper: directory }, sources, actions: [action] });
    } catch (error) {
      throw archiveUnreadable(WHAT, error);
    }
    if (existsSync(join(directory, name))) throw notTar(WHAT);
  } finally {
    await spool.remove();
  }
}

const UNPACK = {
  followSymlinks: false,
  dirCopyContents: false,
  allowWildcard: false,
  allowEmptyWildcard: false,
  createDestPath: true,
  attemptUnpack: true,
} as const;

async function save(path: string, beginning: Buffer, chunks: Chunks, reporter: VertexReporter): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  let size = 0;
  const write = async (chunk: Buffer): Promise<void> => {
    await file.writeFile(chunk).catch((error: unknown) => {
      throw contextUnwritable(WHAT, error);
    });
    size += chunk.length;
    reporter.task(TASK, size, 0);
  };
  try {
    await write(beginning);
    for await (const chunk of remaining(chunks)) await write(chunk);
  } finally {
    await file.close();
  }
  reporter.task(TASK, size, 0, true);
}

const TASK = 'transferring context:';

function toBuffer(chunk: Buffer | string): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
