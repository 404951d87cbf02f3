import type { Compression, Digest } from '../oci/index.ts';
import type { Store } from '../store/index.ts';
import type { Provider } from './content-store.ts';

/** One packed form of a layer. */
export interface LayerBlob {
  readonly digest: Digest;
  /** Bytes as packed. */
  readonly size: number;
  readonly mediaType: string;
  readonly compression: Compression;
  /** Bytes of the layer's files; absent where nobody measured them. */
  readonly contentSize?: number;
}

/**
 * Which blobs a layer is known to have: diffID -> compressed blobs. A layer that was pulled, or packed once, need not be packed
 * again; and what was pulled is pushed byte for byte, so its digest stays. Records may name blobs that have been deleted since:
 * `find` gives only those that are there.
 */
export interface LayerBlobs {
  /** Blobs of the layer that are in the content store, the one recorded first in front. */
  find(diffID: Digest): readonly LayerBlob[];
  /** All known blobs, in the store or not: what a registry may still have. */
  known(diffID: Digest): readonly LayerBlob[];
  record(diffID: Digest, blob: LayerBlob): Promise<void>;
  /** Forgets the blobs that are no longer in the content store. */
  prune(): Promise<void>;
}

/** More than a handful of forms of one layer is nothing that a person did. */
const MAX_BLOBS_PER_LAYER = 16;

export function createLayerBlobs(store: Pick<Store, 'table'>, content: Pick<Provider, 'stat'>): LayerBlobs {
  const table = store.table<readonly LayerBlob[]>('layer-blobs');
  const known = (diffID: Digest): readonly LayerBlob[] => table.get(diffID) ?? [];
  const isThere = (blob: LayerBlob): boolean => content.stat(blob.digest)?.size === blob.size;
  return {
    known,
    find: (diffID) => known(diffID).filter(isThere),
    async record(diffID, blob) {
      if (known(diffID).some(({ digest }) => digest === blob.digest)) return;
      await table.update(diffID, (current = []) => {
        const others = current.filter(({ digest }) => digest !== blob.digest);
        return [...others, blob].slice(-MAX_BLOBS_PER_LAYER);
      });
    },
    async prune() {
      // Read before the first change: what a running iteration sees of changes is not promised.
      const entries = Array.from(table.entries());
      for (const { key, value } of entries) {
        if (value.every(isThere)) continue;
        await table.update(key, (current = []) => {
          const rest = current.filter(isThere);
          return rest.length === 0 ? undefined : rest;
        });
      }
    },
  };
}
