import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, openSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode, TsbuildError } from '../../errors.ts';
import type { NativeApi } from '../../native/types.ts';
import { type Digest, digestAlgorithm, isDigest } from '../../oci/index.ts';
import { writeFailed } from '../../store/errors.ts';
import type { ImageContext } from '../context.ts';
import { archiveInvalid } from '../errors.ts';
import { type ArchiveFile, ArchiveFiles, sniffCompression } from './files.ts';

/** What reading an archive works with. */
export type ArchiveContext = Pick<ImageContext, 'content' | 'snapshotter'> & {
  readonly native: Pick<NativeApi, 'unpackLayer'>;
};

/**
 * Reads a tar, bare or compressed with gzip or zstd, into temporary files, hashing each. Nothing is interpreted yet. The caller
 * disposes of the result. Throws `ARCHIVE_INVALID`.
 */
export async function readArchive(
  context: ArchiveContext,
  input: Readable,
  options: { readonly signal?: AbortSignal },
): Promise<ArchiveFiles> {
  if (options.signal !== undefined) addAbortSignal(options.signal, input);
  const files = new ArchiveFiles(context.content);
  try {
    const { start, whole } = await peek(input);
    if (start.byteLength === 0) throw archiveInvalid('it is empty');
    refuseCompression(start);
    const compression = sniffCompression(start);
    if (compression === 'zstd') await readZstdTar(context, files, whole);
    else await readTar(context, files, whole, compression === 'gzip');
    return files;
  } catch (error) {
    files.dispose();
    options.signal?.throwIfAborted();
    throw error instanceof TsbuildError ? error : archiveInvalid('it cannot be read', error);
  }
}

/** What other tools read too, and node does not. */
function refuseCompression(start: Buffer): void {
  const name = start.indexOf('\xfd7zX', 0, 'latin1') === 0 ? 'xz' : start.indexOf('BZh') === 0 ? 'bzip2' : undefined;
  if (name !== undefined)
    throw archiveInvalid(`it is compressed with ${name}; unpack it first: ${name} -dc FILE | tsbuild load`);
}

/** The first bytes of a stream, and the whole of it again. */
async function peek(input: Readable): Promise<{ readonly start: Buffer; readonly whole: Readable }> {
  const chunks: Buffer[] = [];
  let length = 0;
  const iterator = input[Symbol.asyncIterator]();
  while (length < 4) {
    const { value, done } = await iterator.next();
    if (done) break;
    chunks.push(Buffer.from(value as Uint8Array));
    length += (value as Uint8Array).byteLength;
  }
  const start = Buffer.concat(chunks);
  async function* again(): AsyncGenerator<Buffer> {
    yield start;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value as Buffer;
  }
  return { start, whole: Readable.from(again(), { objectMode: false }) };
}

async function readTar(context: ArchiveContext, files: ArchiveFiles, input: Readable, gzip: boolean): Promise<void> {
  // Loaded here, since every build loads this file.
  const [{ extract: createExtract }, { createGunzip }] = await Promise.all([import('tar-stream'), import('node:zlib')]);
  const extract = createExtract();
  const piped = gzip ? pipeline(input, createGunzip(), extract) : pipeline(input, extract);
  // Reported by the loop below, which fails with the same error.
  piped.catch(() => {});
  for await (const entry of extract) {
    const { name, type, linkname } = entry.header;
    if (type === 'file' || type === 'contiguous-file')
      files.addFile(
        name,
        await receiveFile(context, name, entry as AsyncIterable<unknown> as AsyncIterable<Uint8Array>),
      );
    else if (type === 'symlink' || type === 'link')
      files.addLink(name, linkname ?? '', type === 'symlink' ? 'symlink' : 'hardlink');
    entry.resume();
  }
  await piped;
}

async function receiveFile(
  context: ArchiveContext,
  name: string,
  entry: AsyncIterable<Uint8Array>,
): Promise<ArchiveFile> {
  // Loading an archive again must not write its layers again; the bytes are still checked against the name.
  const promised = digestInPath(name);
  const known = promised !== undefined && (await context.content.claim(promised)) !== undefined;
  const temporary = known ? undefined : await context.content.temporaryPath();
  const received = await hashInto(entry, temporary, algorithmOf(promised));
  if (promised !== undefined && received.digest !== promised) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw archiveInvalid(`the content of ${name} hashes to ${received.digest}`);
  }
  return { ...received, temporary };
}

/** In a layout, a blob's path is its digest. */
function digestInPath(name: string): Digest | undefined {
  const match = /^(?:\.\/)?blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(name);
  const digest = match === null ? '' : `${match[1]}:${match[2]}`;
  return isDigest(digest) ? digest : undefined;
}

function algorithmOf(digest: Digest | undefined): string {
  return digest === undefined ? 'sha256' : digestAlgorithm(digest);
}

/** Hashes a stream, and writes it to a new file where a path is given. */
async function hashInto(
  source: AsyncIterable<Uint8Array>,
  path: string | undefined,
  algorithm: string,
): Promise<Omit<ArchiveFile, 'temporary'>> {
  const hash = createHash(algorithm);
  let size = 0;
  let start = Buffer.alloc(0);
  async function* watch(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.byteLength;
      if (start.byteLength < 4) start = Buffer.concat([start, chunk.subarray(0, 4)]);
      yield chunk;
    }
  }
  if (path === undefined) for await (const _ of watch());
  else await writeNew(path, watch());
  return { digest: `${algorithm}:${hash.digest('hex')}`, size, compression: sniffCompression(start) };
}

async function writeNew(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    // Opened at once: a stream that fails while it is still to open its file would make it after it was removed.
    await pipeline(source, createWriteStream(path, { fd: openSync(path, 'wx'), highWaterMark: 1024 * 1024 }));
  } catch (error) {
    rmSync(path, { force: true });
    throw isStorageError(error) ? writeFailed(path, error) : error;
  }
}

/** The write side failed, not the archive. */
function isStorageError(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES'].includes(errorCode(error) ?? '');
}

/**
 * Node 20 has no zstd: the native unpacker, which has it and which lets no path leave its root, unpacks the archive like a layer
 * into an active snapshot, whose directory is swept should this process die.
 */
async function readZstdTar(context: ArchiveContext, files: ArchiveFiles, input: Readable): Promise<void> {
  const blob = await context.content.temporaryPath();
  const active = await context.snapshotter.prepare(undefined);
  const root = active.mount.upper;
  try {
    if (root === undefined) throw archiveInvalid('there is no place to unpack it');
    await hashInto(input, blob, 'sha256');
    await context.native.unpackLayer({ blob, compression: 'zstd', target: root });
    for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = relative(root, path);
      if (entry.isSymbolicLink()) files.addLink(name, readlinkSync(path), 'symlink');
      else if (entry.isFile()) files.addFile(name, await takeFile(context, name, path));
    }
  } finally {
    rmSync(blob, { force: true });
    await active.remove();
  }
}

async function takeFile(context: ArchiveContext, name: string, path: string): Promise<ArchiveFile> {
  const promised = digestInPath(name);
  const received = await hashInto(createReadStream(path), undefined, algorithmOf(promised));
  if (promised !== undefined && received.digest !== promised)
    throw archiveInvalid(`the content of ${name} hashes to ${received.digest}`);
  const temporary = await context.content.temporaryPath();
  renameSync(path, temporary);
  return { ...received, temporary };
}
