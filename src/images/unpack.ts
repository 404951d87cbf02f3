import { setMaxListeners } from 'node:events';
import { createLimiter } from '../content/limiter.ts';
import {
  chainIDs,
  type Descriptor,
  type Digest,
  layerCompression,
  parseReference,
  type Reference,
} from '../oci/index.ts';
import { applyLayers, type LayerToApply } from '../snapshot/applier.ts';
import type { ImageContext } from './context.ts';
import { layerCountMismatch, layerLost, notAnImage, unpackFailed } from './errors.ts';
import { ensureBlob, MAX_PARALLEL_TRANSFERS, takeBlob } from './fetch.ts';
import { isDangling } from './names.ts';
import type { ResolvedImage, TaskOptions } from './types.ts';

/**
 * `ImageSource.unpack`. Layers that have a snapshot are neither downloaded nor unpacked; of the others each is unpacked as soon as
 * its own blob is there. What was unpacked is proved, and remembered as a blob of its diffID.
 */
export async function unpackImage(
  context: ImageContext,
  image: ResolvedImage,
  options: TaskOptions,
): Promise<string | undefined> {
  const diffIDs = image.config.rootfs.diff_ids;
  const listed = image.manifest?.content.layers.length ?? diffIDs.length;
  if (listed !== diffIDs.length) throw layerCountMismatch(image.reference, listed, diffIDs.length);
  const chains = chainIDs(diffIDs);
  const start = Math.max(
    0,
    chains.findLastIndex((chainID) => context.chains.find(chainID) !== undefined),
  );
  const abort = new AbortController();
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal]);
  // Every transfer listens to it; that is no leak.
  setMaxListeners(0, signal);
  const transfers = createLimiter(MAX_PARALLEL_TRANSFERS);
  const applied: { readonly diffID: Digest; readonly blob: Descriptor }[] = [];
  const repository = repositoryOf(image);

  const layers = diffIDs.slice(start).map((diffID, i): LayerToApply => {
    let blob: Descriptor | undefined;
    return {
      diffID,
      chainID: chains[start + i] ?? diffID,
      async blob() {
        // Asked for only when there is no snapshot: a built image's layers may have no blob at all.
        const wanted = blobOf(context, image, start + i);
        blob = wanted;
        const compression = layerCompression(wanted.mediaType);
        if (compression === undefined) throw notAnImage(image.reference, `it has a layer of type ${wanted.mediaType}`);
        try {
          await transfers.run(() =>
            image.origin === undefined
              ? ensureBlob(context, wanted, { ...options, signal }, repository)
              : takeBlob(context, wanted, { ...options, signal }, image.origin),
          );
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
    throw unpackFailed(image.reference, error);
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
function repositoryOf(image: ResolvedImage): Reference | undefined {
  const isElsewhere = image.origin !== undefined || image.manifest === undefined;
  return isElsewhere || isDangling(image.reference) ? undefined : parseReference(image.reference);
}
