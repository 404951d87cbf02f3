import type { CacheExportOptions } from '../../build-types.ts';
import { mapConcurrently } from '../../images/concurrency.ts';
import type { ImageStore, TaskOptions, Trees } from '../../images/types.ts';
import type { KnownLayer, LayerPlace, TreeResult } from '../../llb/results.ts';
import { type Compression, type Descriptor, type Digest, layerCompression, MediaType } from '../../oci/index.ts';
import { type DifferContext, diffSnapshot } from '../../snapshot/differ.ts';
import type { ExportedResult } from './chains.ts';
import { CREATED_ANNOTATION, DIFF_ID_ANNOTATION } from './import.ts';

export interface LayerPackerContext extends DifferContext {
  readonly images: Pick<ImageStore, 'findLayerBlob' | 'packSnapshot'>;
  readonly trees: Pick<Trees, 'snapshotOf'>;
}

/** A layer before it has a blob. */
export type PlainLayer =
  | { readonly snapshot: string; readonly diffID: Digest; readonly createdMs: number }
  | { readonly known: KnownLayer; readonly place: LayerPlace; readonly diffID: Digest; readonly createdMs: number };

/** Layers packed at once; each uses several cores of its own. */
const MAX_PARALLEL_PACKS = 3;

/** Gives trees their layers as blobs, each packed once whatever number of results stand on it. */
export class LayerPacker {
  readonly #context: LayerPackerContext;
  readonly #options: CacheExportOptions;
  readonly #tasks: TaskOptions;
  readonly #packed = new Map<string, Promise<Descriptor>>();
  readonly #origins = new Map<Digest, LayerPlace>();

  constructor(context: LayerPackerContext, options: CacheExportOptions, tasks: TaskOptions) {
    this.#context = context;
    this.#options = options;
    this.#tasks = tasks;
  }

  /** Where blobs are that others hold, by digest. */
  get origins(): ReadonlyMap<Digest, LayerPlace> {
    return this.#origins;
  }

  /** The layers of a tree, bottom first. Layers of the store are hashed where they never were. */
  async layersOf(tree: TreeResult): Promise<readonly PlainLayer[]> {
    const { snapshotter } = this.#context;
    switch (tree.kind) {
      case 'merged':
        return (await Promise.all(tree.parts.map((part) => this.layersOf(part)))).flat();
      case 'layers':
        if (this.#isAsWanted(tree.layers))
          return tree.layers.map((known) => {
            const { diffID, createdMs = 0 } = known;
            return { known, place: tree.place, diffID, createdMs };
          });
        // Other forms are made of what is unpacked.
        return this.layersOf({ kind: 'snapshot', name: await this.#context.trees.snapshotOf(tree, this.#tasks) });
      case 'snapshot': {
        const names = tree.name === undefined ? [] : snapshotter.chain(tree.name);
        return mapConcurrently(names, MAX_PARALLEL_PACKS, async (snapshot) => {
          const { diffID } = await diffSnapshot(this.#context, snapshot);
          return { snapshot, diffID, createdMs: snapshotter.stat(snapshot)?.createdMs ?? 0 };
        });
      }
    }
  }

  /** The layers as they are called before they have blobs: enough to tell them apart. */
  name(layers: readonly PlainLayer[]): ExportedResult {
    const named = layers.map(({ diffID }) => ({ mediaType: MediaType.ociLayer, digest: diffID, size: 0 }));
    return { layers: named, createdAt: formatTime(layers.at(-1)?.createdMs ?? 0) };
  }

  async pack(layers: readonly PlainLayer[]): Promise<ExportedResult> {
    const descriptors = await mapConcurrently(layers, MAX_PARALLEL_PACKS, (layer) => this.#packOnce(layer));
    const createdMs = layers.at(-1)?.createdMs ?? 0;
    return { layers: descriptors, createdAt: formatTime(createdMs) };
  }

  #isAsWanted(layers: readonly KnownLayer[]): boolean {
    const { forceCompression, compression = 'gzip' } = this.#options;
    return !forceCompression || layers.every(({ blob }) => layerCompression(blob.mediaType) === compression);
  }

  #packOnce(layer: PlainLayer): Promise<Descriptor> {
    const key = 'snapshot' in layer ? layer.snapshot : `${layer.diffID} ${layer.known.blob.digest}`;
    const running = this.#packed.get(key);
    if (running !== undefined) return running;
    const packed = this.#pack(layer).then(({ mediaType, digest, size }) => ({
      mediaType,
      digest,
      size,
      annotations: { [CREATED_ANNOTATION]: formatTime(layer.createdMs), [DIFF_ID_ANNOTATION]: layer.diffID },
    }));
    this.#packed.set(key, packed);
    return packed;
  }

  async #pack(layer: PlainLayer): Promise<Descriptor> {
    if ('known' in layer) {
      this.#origins.set(layer.known.blob.digest, layer.place);
      return layer.known.blob;
    }
    const { forceCompression, compression = 'gzip', compressionLevel: level } = this.#options;
    const { images } = this.#context;
    const wanted: Compression | undefined = forceCompression ? compression : undefined;
    const known =
      (await images.findLayerBlob(layer.diffID, compression)) ?? (await images.findLayerBlob(layer.diffID, wanted));
    if (known !== undefined) return known;
    const { blob } = await images.packSnapshot(layer.snapshot, {
      ...this.#tasks,
      compression,
      ...(level === undefined ? {} : { level }),
    });
    return blob;
  }
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
