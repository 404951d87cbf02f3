import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Digest, describe, digestAlgorithm, digestEncoded, isDigest } from '../oci/index.ts';
import { writeFailed } from '../store/errors.ts';
import type { Store } from '../store/index.ts';
import { discardSource, writeBlob } from './blob-writer.ts';
import type { BlobInfo, ContentStore } from './content-store.ts';
import { contentCorrupt, contentNotFound, contentTooLarge, sizeMismatch, temporaryPathForeign } from './errors.ts';

/** A temporary file is named `<owner>.<number>`, so that anybody can tell whether its writer still runs. */
const TEMPORARY = /^(\d+-[0-9a-f]{12})\.\d+$/;

/**
 * The content store in files: `blobs/<algorithm>/<hex>` under the store's root, an OCI image layout's blobs. It has no index:
 * a blob is in the store when its file is there, so nothing can disagree with the disk.
 */
export function createContentStore(store: Pick<Store, 'paths' | 'owner' | 'hold' | 'noteMade'>): ContentStore {
  const { blobs, ingest } = store.paths;
  let count = 0;

  const blobPath = (digest: Digest): string => blobPathIn(blobs, digest);
  const find = (digest: Digest): BlobInfo | undefined => {
    // The digest becomes a path: one that is not a digest is nowhere.
    if (!isDigest(digest)) return undefined;
    const found = statSync(blobPath(digest), { throwIfNoEntry: false });
    return found?.isFile() ? { digest, size: found.size } : undefined;
  };
  const claim = async (digest: Digest): Promise<BlobInfo | undefined> => {
    if (!isDigest(digest)) return undefined;
    await store.hold([digest]);
    return find(digest);
  };
  const requireBlob = (digest: Digest): BlobInfo => {
    const found = find(digest);
    if (found === undefined) throw contentNotFound(digest, 'the store');
    return found;
  };
  const makeTemporaryPath = async (): Promise<string> => {
    const { id } = await store.owner();
    mkdirSync(ingest, { recursive: true, mode: 0o700 });
    return join(ingest, `${id}.${++count}`);
  };
  const moveIntoPlace = async (temporary: string, digest: Digest): Promise<void> => {
    const target = blobPath(digest);
    try {
      mkdirSync(dirname(target), { recursive: true });
      await rename(temporary, target);
      store.noteMade(target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw writeFailed(target, error);
    }
  };

  return {
    stat: find,
    claim,
    path(digest) {
      requireBlob(digest);
      return blobPath(digest);
    },
    open(digest, offset = 0) {
      requireBlob(digest);
      return createReadStream(blobPath(digest), { start: offset, highWaterMark: 1024 * 1024 });
    },
    async read(digest, maxBytes) {
      const { size } = requireBlob(digest);
      if (size > maxBytes) throw contentTooLarge(digest, size, maxBytes);
      const content = await readFile(blobPath(digest));
      const actual = `${digestAlgorithm(digest)}:${createHash(digestAlgorithm(digest)).update(content).digest('hex')}`;
      if (actual !== digest) throw contentCorrupt(digest, actual, blobPath(digest));
      return content;
    },
    async ingest(expected, source, options) {
      const present = await claim(expected.digest);
      if (present !== undefined) {
        discardSource(source);
        if (present.size !== expected.size) throw sizeMismatch(expected.digest, expected.size, present.size);
        return;
      }
      const temporary = await makeTemporaryPath();
      await writeBlob(temporary, expected, source, options);
      await moveIntoPlace(temporary, expected.digest);
    },
    async put(mediaType, content) {
      const descriptor = describe(mediaType, content);
      if ((await claim(descriptor.digest)) !== undefined) return descriptor;
      const temporary = await makeTemporaryPath();
      await writeBlob(temporary, descriptor, oneChunk(content));
      await moveIntoPlace(temporary, descriptor.digest);
      return descriptor;
    },
    temporaryPath: makeTemporaryPath,
    async adopt(path, info) {
      if (dirname(resolve(path)) !== resolve(ingest)) throw temporaryPathForeign(path, ingest);
      if ((await claim(info.digest)) !== undefined) {
        await rm(path, { force: true });
        return;
      }
      await flushFile(path, info);
      await moveIntoPlace(path, info.digest);
    },
    async retire(digests) {
      const graves: string[] = [];
      for (const digest of digests) {
        if (find(digest) === undefined) continue;
        const grave = await makeTemporaryPath();
        renameSync(blobPath(digest), grave);
        graves.push(grave);
      }
      return async () => {
        for (const grave of graves) await rm(grave, { force: true });
      };
    },
    *list() {
      for (const algorithm of namesIn(blobs))
        for (const encoded of namesIn(join(blobs, algorithm))) {
          const info = find(`${algorithm}:${encoded}`);
          if (info !== undefined) yield info;
        }
    },
    async sweep() {
      const names = namesIn(ingest);
      if (names.length === 0) return;
      const owner = await store.owner();
      for (const name of names) {
        const id = TEMPORARY.exec(name)?.[1];
        if (id !== undefined && !(await owner.isAlive(id))) rmSync(join(ingest, name), { force: true });
      }
    },
  };
}

/** Where a blob lies in an OCI layout's `blobs` directory. */
export function blobPathIn(blobs: string, digest: Digest): string {
  return join(blobs, digestAlgorithm(digest), digestEncoded(digest));
}

/** Makes a file that somebody else wrote durable, once it is as long as its writer says. */
async function flushFile(path: string, { digest, size }: BlobInfo): Promise<void> {
  const { size: actual } = await stat(path);
  if (actual !== size) {
    await rm(path, { force: true });
    throw sizeMismatch(digest, size, actual);
  }
  try {
    const handle = await open(path, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw writeFailed(path, error);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

async function* oneChunk(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
