import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { sizeMismatch } from '../content/errors.ts';
import type { ReopenableContent, TransferOptions } from '../content/targets.ts';
import { errorCode, TsbuildError } from '../errors.ts';
import { type Descriptor, isDigest, isIndexType, isManifestType } from '../oci/index.ts';
import { suggest } from '../suggest.ts';
import { invalidTag } from './errors.ts';
import { fetchBlob } from './fetch-blob.ts';
import { fetchManifest, manifestExists, putManifest, resolveManifest } from './manifests.ts';
import { blobExists, pushBlob } from './push-blob.ts';
import type { RepositoryContext } from './repository-context.ts';
import { listTags } from './tags.ts';
import type { RegistryRepository } from './types.ts';
import { cancelUpload, startUpload, type UploadSession } from './upload-session.ts';

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** Manifests just pushed, which a tag is to be put on next. */
const RECENT_BYTES = 32 * 1024 * 1024;
const SUGGEST_TIMEOUT_MS = 5000;

export function createRepository(
  name: { readonly domain: string; readonly path: string },
  connect: () => Promise<RepositoryContext>,
): RegistryRepository {
  const recent = new LRUCache<string, Buffer>({
    maxSize: RECENT_BYTES,
    sizeCalculation: (content) => content.byteLength + 1,
  });
  /** Uploads that refused mounts have opened. */
  const sessions = new Map<string, UploadSession>();

  return {
    ...name,
    keepsGraphsWhole: true,

    async resolve(reference, { signal } = {}) {
      if (!isDigest(reference)) checkTag(reference);
      const context = await connect();
      try {
        return await resolveManifest(context, reference, signal);
      } catch (error) {
        throw await suggestTag(context, reference, error, signal);
      }
    },

    async fetch(descriptor, { signal, offset = 0 } = {}) {
      const context = await connect();
      if (!isManifest(descriptor)) return fetchBlob(context, descriptor, { offset, ...(signal ? { signal } : {}) });
      const content = await fetchManifest(context, descriptor, signal);
      return Readable.from([content.subarray(offset)]);
    },

    async exists(descriptor, { signal } = {}) {
      const context = await connect();
      if (isManifest(descriptor)) return manifestExists(context, descriptor.digest, signal);
      return blobExists(context, descriptor, signal);
    },

    async push(descriptor, content, options = {}) {
      const { signal } = options;
      const context = await connect();
      if (isManifest(descriptor)) {
        const bytes = await readWhole(descriptor, content);
        await putManifest(context, descriptor.digest, descriptor, bytes, signal);
        recent.set(descriptor.digest, bytes);
        options.onProgress?.(bytes.byteLength);
        return;
      }
      const session = sessions.get(descriptor.digest);
      sessions.delete(descriptor.digest);
      await pushBlob(context, descriptor, content, options, session);
    },

    async mount(descriptor, fromRepository, { signal } = {}) {
      if (fromRepository === name.path) return false;
      const context = await connect();
      let session: UploadSession | undefined;
      try {
        session = await startUpload(context, descriptor, signal, fromRepository);
      } catch (error) {
        signal?.throwIfAborted();
        // A mount is a favour: whoever refuses it gets the blob sent.
        if (error instanceof TsbuildError && typeof error.details.status === 'number') return false;
        if (errorCode(error) === 'REGISTRY_UNAUTHORIZED') return false;
        throw error;
      }
      const earlier = sessions.get(descriptor.digest);
      sessions.delete(descriptor.digest);
      if (earlier !== undefined) await cancelUpload(context, earlier);
      if (session === undefined) return true;
      sessions.set(descriptor.digest, session);
      return false;
    },

    async tag(descriptor, tag, { signal } = {}) {
      checkTag(tag);
      const context = await connect();
      const content = recent.get(descriptor.digest) ?? (await fetchManifest(context, descriptor, signal));
      await putManifest(context, tag, descriptor, content, signal);
    },

    async *tags({ signal }: TransferOptions = {}) {
      yield* listTags(await connect(), signal);
    },
  };
}

function isManifest({ mediaType }: Descriptor): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType);
}

function checkTag(tag: string): void {
  // It becomes a part of a URL's path.
  if (!TAG.test(tag)) throw invalidTag(tag);
}

async function readWhole({ digest, size }: Descriptor, content: ReopenableContent): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of await content.open()) {
    received += (chunk as Buffer).byteLength;
    if (received > size) throw sizeMismatch(digest, size, undefined);
    chunks.push(chunk as Buffer);
  }
  if (received !== size) throw sizeMismatch(digest, size, received);
  return Buffer.concat(chunks);
}

/** Adds to "no such tag" the one that was probably meant, when the registry tells its tags at once. */
async function suggestTag(
  context: RepositoryContext,
  reference: string,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (!(error instanceof TsbuildError) || error.code !== 'MANIFEST_UNKNOWN' || isDigest(reference)) return error;
  const timeout = AbortSignal.timeout(SUGGEST_TIMEOUT_MS);
  const tags: string[] = [];
  try {
    for await (const tag of listTags(context, signal === undefined ? timeout : AbortSignal.any([signal, timeout])))
      if (tags.push(tag) >= 1000) break;
  } catch {
    return error;
  }
  const meant = suggest(reference, tags);
  if (meant === undefined) return error;
  return new TsbuildError(error.code, error.message, {
    cause: error.cause,
    hint: `did you mean ${context.domain}/${context.path}:${meant}?`,
    details: { ...error.details, suggestion: meant },
  });
}
