import { copyGraph, createStoreTarget } from '../content/index.ts';
import { type Descriptor, hostPlatform, isIndexType, parseTaggedReference, type Reference } from '../oci/index.ts';
import { mapConcurrently } from './concurrency.ts';
import type { ImageContext } from './context.ts';
import { transferFailed } from './errors.ts';
import { imageIDOf } from './graph.ts';
import { ensureBlob, MAX_PARALLEL_TRANSFERS, recordSources } from './layers/fetch.ts';
import { recordName } from './names/names.ts';
import { reportCopy } from './report.ts';
import { queryRegistry, recordPulled } from './resolve.ts';
import type { PulledImage, PullOptions } from './types.ts';

/** `ImageStore.pullImage`. The name is recorded last: an interrupted pull leaves blobs, which the next one finds, and no image. */
export async function pullImage(context: ImageContext, text: string, options: PullOptions): Promise<PulledImage> {
  const reference = parseTaggedReference(text);
  const name = recordName(reference);
  const before = context.records.get(name)?.target.digest;
  const pull = options.allPlatforms ? pullAll : pullPlatform;
  const { descriptor, transferred, several } = await pull(context, reference, options).catch((error: unknown) => {
    throw transferFailed('pull', name, error);
  });
  await recordPulled(context, reference, descriptor);
  if (transferred) await context.records.refresh();
  return {
    name,
    descriptor,
    upToDate: before === descriptor.digest && !transferred,
    ...(several ? {} : { imageID: await imageIDOf(context.content, descriptor) }),
  };
}

interface Pulled {
  readonly descriptor: Descriptor;
  readonly transferred: boolean;
  readonly several: boolean;
}

async function pullPlatform(context: ImageContext, reference: Reference, options: PullOptions): Promise<Pulled> {
  const platform = options.platform ?? hostPlatform();
  const image = await queryRegistry(context, reference, { platform, pull: 'always', signal: options.signal });
  const layers = image.manifest?.content.layers ?? [];
  const missing = layers.filter(({ digest }) => context.content.stat(digest) === undefined);
  await mapConcurrently(layers, MAX_PARALLEL_TRANSFERS, (layer) => ensureBlob(context, layer, options, reference));
  return { descriptor: image.target, transferred: missing.length > 0, several: false };
}

async function pullAll(context: ImageContext, reference: Reference, options: PullOptions): Promise<Pulled> {
  const repository = context.registry.repository(reference);
  const { signal, onTask } = options;
  const descriptor = await repository.resolve(reference.digest ?? reference.tag ?? 'latest', { signal });
  const result = await copyGraph(repository, createStoreTarget(context.content), descriptor, {
    signal,
    onProgress: reportCopy(onTask),
  });
  await recordSources(context, [...result.copied, ...result.existing], reference);
  return { descriptor, transferred: result.copied.length > 0, several: isIndexType(descriptor.mediaType) };
}
