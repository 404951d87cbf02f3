import { copyGraph, type Fetcher } from '../content/index.ts';
import { type Descriptor, formatReference, parseTaggedReference } from '../oci/index.ts';
import type { RegistryRepository } from '../registry/types.ts';
import { choosePlatform } from './choose.ts';
import type { ImageContext } from './context.ts';
import { nameNeeded, transferFailed } from './errors.ts';
import { takeImage } from './hold.ts';
import { openBlob, recordSources } from './layers/fetch.ts';
import { materializeRecord } from './layers/pack.ts';
import { isDangling, recordName } from './names/names.ts';
import { reportCopy } from './report.ts';
import type { PushedImage, PushOptions, TaskOptions } from './types.ts';

/**
 * `ImageStore.pushImage`. Blobs that another repository of the same registry is known to have are mounted; those that the store
 * lacks come straight from the registry that has them.
 */
export async function pushImage(context: ImageContext, text: string, options: PushOptions): Promise<PushedImage> {
  const found = await takeImage(context, text);
  if (options.as === undefined && found.by === 'id') throw nameNeeded(text);
  const reference = parseTaggedReference(options.as ?? text);
  const record = await materializeRecord(context, found.record, options);
  const descriptor =
    options.platform === undefined
      ? record.target
      : await choosePlatform(context, text, record.target, options.platform);
  const repository = context.registry.repository(reference);
  const { domain, path, tag } = reference;
  const { signal, onTask } = options;
  const source = { fetch: (blob: Descriptor, range = {}) => openBlob(context, blob, range) };
  await sendGraph(context, source, repository, descriptor, { signal, onTask, tag }).catch((error: unknown) => {
    throw transferFailed('push', recordName(reference), error);
  });
  await recordDigest(context, formatReference({ domain, path, digest: descriptor.digest }), record.target, descriptor);
  return { name: recordName(reference), descriptor };
}

/** `ImageStore.sendGraph`. */
export async function sendGraph(
  context: ImageContext,
  source: Fetcher,
  repository: RegistryRepository,
  root: Descriptor,
  { signal, onTask, tag }: TaskOptions & { readonly tag?: string | undefined },
): Promise<void> {
  const { domain, path } = repository;
  const sent = await copyGraph(source, repository, root, {
    signal,
    mountFrom: ({ digest }) => context.sources.find(digest, domain).filter((other) => other !== path),
    onProgress: reportCopy(onTask),
  });
  if (tag !== undefined) await repository.tag(root, tag, { signal });
  await recordSources(context, [...sent.copied, ...sent.existing, ...sent.mounted], repository);
}

/** The registry's digest for the image becomes one of its names, as in docker. */
async function recordDigest(
  context: ImageContext,
  name: string,
  target: Descriptor,
  pushed: Descriptor,
): Promise<void> {
  if (target.digest !== pushed.digest || context.records.get(name) !== undefined) return;
  const known = context.records.all().find((record) => record.target.digest === target.digest);
  if (known !== undefined && !isDangling(known.name)) await context.records.assign([name], target, known.imageID);
}
