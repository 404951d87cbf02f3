import { type ContentStore, createBlobSources, createLayerBlobs } from '../content/index.ts';
import type { NativeApi } from '../native/types.ts';
import { chainIDs } from '../oci/index.ts';
import type { RegistryClient } from '../registry/types.ts';
import type { Chains } from '../snapshot/chains.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { Store } from '../store/index.ts';
import { resolveLayout } from './archive/layout-source.ts';
import { loadImages } from './archive/load.ts';
import { saveImages, writeLayout } from './archive/save.ts';
import { writeArchive } from './archive/writer.ts';
import { collectGarbage } from './collect.ts';
import type { ImageContext } from './context.ts';
import { imageIDOf } from './graph.ts';
import { imageHistory, inspectImage } from './inspect.ts';
import { openBlob, recordSources } from './layers/fetch.ts';
import { fetchLayers } from './layers/fetch-layers.ts';
import { hasLayers } from './layers/has-layers.ts';
import { findBlob, materializeRecord, packImage, packSnapshotBlob } from './layers/pack.ts';
import { packSquashed } from './layers/squash.ts';
import { treeOfImage, unpackImage, unpackLayers } from './layers/unpack.ts';
import { findImage } from './names/find.ts';
import { listImages } from './names/list.ts';
import { fullName } from './names/names.ts';
import { createImageRecords } from './names/records.ts';
import { tagImage } from './names/tag.ts';
import { pruneImages } from './prune.ts';
import { pullImage } from './pull.ts';
import { pushImage, sendGraph } from './push.ts';
import { removeImage } from './remove.ts';
import { resolveImage } from './resolve.ts';
import type { ImageStore } from './types.ts';

interface ImageStoreOptions {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly native: Pick<NativeApi, 'packLayer' | 'unpackLayer' | 'digestLayer'>;
  readonly registry: Pick<RegistryClient, 'repository'>;
}

/** The images of a store. Each operation is a file of this folder; here they are given what they work with. */
export function createImageStore(options: ImageStoreOptions): ImageStore {
  const { store, content } = options;
  const context: ImageContext = {
    ...options,
    records: createImageRecords(store, content),
    layerBlobs: createLayerBlobs(store, content),
    sources: createBlobSources(store),
  };
  const shared = shareCalls();

  return {
    resolve: (reference, request) =>
      shared(`resolve ${JSON.stringify([reference, request.platform, request.pull])}`, request.signal, () =>
        resolveImage(context, reference, request),
      ),
    resolveLayout: (place, request) => resolveLayout(place, request),
    unpack: (image, request) => unpackImage(context, image, request),
    hasLayers: (image) => hasLayers(context, image),
    treeOf: (image, request) => treeOfImage(context, image, request),
    unpackLayers: (tree, request) => unpackLayers(context, tree, request),
    async findUnpacked({ layers }) {
      const top = chainIDs(layers.map(({ diffID }) => diffID)).at(-1);
      return top && (await options.chains.claim(top));
    },
    fetchLayers: (tree, request) => fetchLayers(context, tree, request),
    pullImage: (reference, request) => pullImage(context, reference, request),
    pushImage: (reference, request = {}) => pushImage(context, reference, request),
    materialize: (record, request = {}) => materializeRecord(context, record, request),
    packImage: (config, request = {}) => packImage(context, config, request),
    packSnapshot: (snapshot, request = {}) => packSnapshotBlob(context, snapshot, request),
    recordSources: (digests, repository) =>
      recordSources(
        context,
        digests.map((digest) => ({ digest })),
        repository,
      ),
    findLayerBlob: (diffID, compression) => findBlob(context, diffID, compression),
    openBlob: (descriptor, request = {}) => openBlob(context, descriptor, request),
    sendGraph: (source, repository, root, request) => sendGraph(context, source, repository, root, request),
    packSquashed: (snapshot, base, request = {}) => packSquashed(context, snapshot, base, request),
    recordImage: async (target, names) =>
      context.records.assign(names.map(fullName), target, await imageIDOf(content, target)),
    findImage: async (reference) => findImage(context.records, reference)?.record,
    tagImage: (source, name) => tagImage(context, source, name),
    removeImage: (reference, request) => removeImage(context, reference, request),
    pruneImages: (request) => pruneImages(context, request),
    listImages: (request) => listImages(context, request),
    inspectImage: (reference, platform) => inspectImage(context, reference, platform),
    imageHistory: (reference, platform) => imageHistory(context, reference, platform),
    saveImages: (references, output, request = {}) => saveImages(context, references, output, request),
    writeArchive: (images, output, request) => writeArchive(context, images, output, request),
    writeLayout: (images, directory, request = {}) => writeLayout(context, images, directory, request),
    async loadImages(input, request = {}) {
      try {
        return await loadImages(context, input, request);
      } catch (error) {
        // What was taken in before the archive turned out to be bad.
        await collectGarbage(context);
        throw error;
      }
    },
    collectGarbage: () => collectGarbage(context),
  };
}

/** Lets callers that ask for the same thing at the same time share one answer: a base that many stages start from. */
function shareCalls() {
  const running = new Map<string, Promise<unknown>>();
  return <T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    const known = running.get(key) as Promise<T> | undefined;
    // A call that is being aborted must not take others down with it.
    if (known !== undefined && signal?.aborted !== true) return known;
    const started = work().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}
