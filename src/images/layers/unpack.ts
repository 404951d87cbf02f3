import { setMaxListeners } from 'node:events';
import { createLimiter } from '../../content/limiter.ts';
import type { KnownLayer, LayerPlace, LayersResult, TreeResult } from '../../llb/results.ts';
import { chainIDs, type Descriptor, type Digest, layerCompression, parseReference } from '../../oci/index.ts';
import { applyLayers, type LayerToApply } from '../../snapshot/applier.ts';
import type { ImageContext } from '../context.ts';
import { layerCountMismatch, layerLost, notAnImage, unpackFailed } from '../errors.ts';
import { isDangling } from '../names/names.ts';
import type { ResolvedImage, TaskOptions } from '../types.ts';
import { getBlob, MAX_PARALLEL_TRANSFERS } from './fetch.ts';

/** `ImageSource.unpack`. */
export async function unpackImage(
  context: ImageContext,
  image: ResolvedImage,
  options: TaskOptions,
): Promise<string | undefined> {
  const diffIDs = image.config.rootfs.diff_ids;
  const listed = image.manifest?.content.layers.length ?? diffIDs.length;
  if (listed !== diffIDs.length) throw layerCountMismatch(image.reference, listed, diffIDs.length);
  return unpackStack(context, options, {
    name: image.reference,
    diffIDs,
    // Asked for only when there is no snapshot: a built image's layers may have no blob at all.
    blob: (index) => blobOf(context, image, index),
    ...placeOf(image),
  });
}

/** `ImageStore.unpackLayers`. */
export async function unpackLayers(
  context: ImageContext,
  { layers, place }: LayersResult,
  options: TaskOptions,
): Promise<string> {
  const top = await unpackStack(context, options, {
    ...place,
    diffIDs: layers.map(({ diffID }) => diffID),
    blob: (index) => (layers[index] as KnownLayer).blob,
  });
  return top as string;
}

/**
 * `ImageSource.treeOf`. An image whose layers are not all here as snapshots is known by its manifest; nothing is downloaded. One without
 * a manifest was built here.
 */
export async function treeOfImage(
  context: ImageContext,
  image: ResolvedImage,
  options: TaskOptions,
): Promise<TreeResult> {
  const diffIDs = image.config.rootfs.diff_ids;
  const blobs = image.manifest?.content.layers;
  const top = chainIDs(diffIDs).at(-1);
  const isHere = top === undefined || (await context.chains.claim(top)) !== undefined;
  if (isHere || blobs === undefined) return { kind: 'snapshot', name: await unpackImage(context, image, options) };
  if (blobs.length !== diffIDs.length) throw layerCountMismatch(image.reference, blobs.length, diffIDs.length);
  const { onTask } = options;
  return {
    kind: 'layers',
    layers: diffIDs.map((diffID, i) => ({ diffID, blob: blobs[i] as Descriptor })),
    place: { name: image.reference, ...placeOf(image), ...(onTask === undefined ? {} : { onTask }) },
  };
}

/** Layers that are to become snapshots, bottom first. */
interface Stack extends Pick<LayerPlace, 'name' | 'repository' | 'origin'> {
  readonly diffIDs: readonly Digest[];
  readonly blob: (index: number) => Descriptor;
}

/**
 * Layers that have a snapshot are neither downloaded nor unpacked; of the others each is unpacked as soon as its own blob is there.
 * What was unpacked is proved, and remembered as a blob of its diffID.
 */
async function unpackStack(
  context: ImageContext,
  options: TaskOptions,
  { name, diffIDs, blob: find, repository, origin }: Stack,
): Promise<string | undefined> {
  const chains = chainIDs(diffIDs);
  // From the topmost one that has a snapshot; what is below that is never looked at.
  let start = Math.max(0, chains.length - 1);
  while (start > 0 && (await context.chains.claim(chains[start] as Digest)) === undefined) start--;
  const abort = new AbortController();
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal]);
  // Every transfer listens to it; that is no leak.
  setMaxListeners(0, signal);
  const transfers = createLimiter(MAX_PARALLEL_TRANSFERS);
  const applied: { readonly diffID: Digest; readonly blob: Descriptor }[] = [];

  const layers = diffIDs.slice(start).map((diffID, i): LayerToApply => {
    let blob: Descriptor | undefined;
    return {
      diffID,
      chainID: chains[start + i] ?? diffID,
      async blob() {
        const wanted = find(start + i);
        blob = wanted;
        const compression = layerCompression(wanted.mediaType);
        if (compression === undefined) throw notAnImage(name, `it has a layer of type ${wanted.mediaType}`);
        try {
          await transfers.run(() => getBlob(context, wanted, { ...options, signal }, { repository, origin }));
        } catch (error) {
          // The other downloads would only make the user wait for the bad news.
          abort.abort(error);
          throw error;
        }
        return { path: context.content.path(wanted.digest), compression };
      },
      onUnpack(state) {
        if (blob === undefined) return;
        options.onTask?.(`extracting ${blob.digest}`, state === 'done' ? blob.size : 0, blob.size, state === 'done');
        if (state === 'done') applied.push({ diffID, blob });
      },
    };
  });
  const top = await applyLayers(context, layers, signal).catch((error: unknown) => {
    throw unpackFailed(name, error);
  });
  for (const { diffID, blob } of applied) {
    const { digest, size, mediaType } = blob;
    await context.layerBlobs.record(diffID, {
      digest,
      size,
      mediaType,
      compression: layerCompression(mediaType) ?? 'none',
    });
  }
  if (applied.length > 0) await context.records.refresh();
  return top;
}

/** The blob of a layer by the manifest; of a built image without one, whichever blob its diffID is known to have. */
function blobOf(context: ImageContext, image: ResolvedImage, index: number): Descriptor {
  const listed = image.manifest?.content.layers[index];
  if (listed !== undefined) return listed;
  const diffID = image.config.rootfs.diff_ids[index] ?? image.configDigest;
  const known = context.layerBlobs.find(diffID)[0] ?? context.layerBlobs.known(diffID)[0];
  if (known === undefined) throw layerLost(image.configDigest, diffID);
  return known;
}

/** Where a pulled image came from; a built or loaded one came from nowhere. */
function placeOf(image: ResolvedImage): Pick<LayerPlace, 'repository' | 'origin'> {
  if (image.origin !== undefined) return { origin: image.origin };
  if (image.manifest === undefined || isDangling(image.reference)) return {};
  const { domain, path } = parseReference(image.reference);
  return { repository: { domain, path } };
}
