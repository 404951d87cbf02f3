import type { Readable } from 'node:stream';
import type { Fetcher } from '../../content/index.ts';
import { errorCode } from '../../errors.ts';
import type { LayerPlace } from '../../llb/results.ts';
import { OFFLINE_CODE } from '../../network.ts';
import { type Descriptor, isIndexType, isManifestType, type Reference } from '../../oci/index.ts';
import type { RegistryRepository } from '../../registry/types.ts';
import type { ImageContext } from '../context.ts';
import { blobLost } from '../errors.ts';
import { childrenInStore } from '../graph.ts';
import type { TaskOptions } from '../types.ts';

type Repository = Pick<Reference, 'domain' | 'path'>;

/** Layers that are transferred at the same time. */
export const MAX_PARALLEL_TRANSFERS = 6;

/**
 * Makes sure that a blob is in the store: gets it from `from` where given, else from whichever repository is known to have had it.
 * Throws `CONTENT_NOT_FOUND` when nobody has it.
 */
export async function ensureBlob(
  context: ImageContext,
  descriptor: Descriptor,
  options: TaskOptions,
  from?: Repository,
): Promise<void> {
  if ((await context.content.claim(descriptor.digest))?.size === descriptor.size) return;
  const { digest, size } = descriptor;
  const { signal, onTask } = options;
  onTask?.(digest, 0, size);
  await tryRepositories(context, descriptor, from, async (repository) => {
    const stream = await repository.fetch(descriptor, { signal });
    await context.content.ingest(descriptor, stream, {
      signal,
      onProgress: (current) => onTask?.(digest, current, size),
    });
    // A registry that has a manifest has all that it points to.
    await recordSources(context, await childrenInStore(context.content, descriptor), repository);
  });
  onTask?.(digest, size, size, true);
}

/** Makes sure that a blob is in the store, from wherever it is said to be. */
export async function getBlob(
  context: ImageContext,
  descriptor: Descriptor,
  options: TaskOptions,
  { repository, origin }: Pick<LayerPlace, 'repository' | 'origin'>,
): Promise<void> {
  if (origin === undefined) await ensureBlob(context, descriptor, options, repository);
  else await takeBlob(context, descriptor, options, origin);
}

/** As `ensureBlob`, from a place that is no registry. */
async function takeBlob(
  { content }: Pick<ImageContext, 'content'>,
  descriptor: Descriptor,
  { signal, onTask }: TaskOptions,
  origin: Pick<Fetcher, 'fetch'>,
): Promise<void> {
  const { digest, size } = descriptor;
  if ((await content.claim(digest))?.size === size) return;
  onTask?.(digest, 0, size);
  const stream = await origin.fetch(descriptor, signal === undefined ? {} : { signal });
  await content.ingest(descriptor, stream, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: (current) => onTask?.(digest, current, size),
  });
  onTask?.(digest, size, size, true);
}

/** Notes that a repository has these. */
export async function recordSources(
  { sources }: Pick<ImageContext, 'sources'>,
  descriptors: readonly Pick<Descriptor, 'digest'>[],
  { domain, path }: Repository,
): Promise<void> {
  await Promise.all(descriptors.map(({ digest }) => sources.record(digest, domain, path)));
}

/**
 * A stream of a blob, from the store or from a repository that has it. Whoever reads it verifies it. What leads to other blobs is
 * taken into the store, so that it is known where those are.
 */
export async function openBlob(
  context: ImageContext,
  descriptor: Descriptor,
  options: { readonly signal?: AbortSignal; readonly offset?: number },
): Promise<Readable> {
  const { mediaType } = descriptor;
  if (isManifestType(mediaType) || isIndexType(mediaType)) await ensureBlob(context, descriptor, options);
  if ((await context.content.claim(descriptor.digest)) !== undefined)
    return context.content.open(descriptor.digest, options.offset);
  return tryRepositories(context, descriptor, undefined, (repository) => repository.fetch(descriptor, options));
}

/** Runs `work` with each repository that may have the blob until one succeeds, and notes that it has it. */
async function tryRepositories<T>(
  context: ImageContext,
  { digest }: Descriptor,
  from: Repository | undefined,
  work: (repository: RegistryRepository) => Promise<T>,
): Promise<T> {
  const candidates = from === undefined ? context.sources.repositories(digest) : [from];
  let failure: unknown;
  for (const { domain, path } of candidates) {
    try {
      const result = await work(context.registry.repository({ domain, path }));
      await context.sources.record(digest, domain, path);
      return result;
    } catch (error) {
      if (errorCode(error) === OFFLINE_CODE) throw error;
      failure = error;
    }
  }
  if (from !== undefined) throw failure;
  throw blobLost(
    digest,
    candidates.map(({ domain, path }) => `${domain}/${path}`),
    failure,
  );
}
