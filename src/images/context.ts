import type { BlobSources, ContentStore, LayerBlobs } from '../content/index.ts';
import type { NativeApi } from '../native/types.ts';
import type { RegistryClient } from '../registry/types.ts';
import type { Chains } from '../snapshot/chains.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { Store } from '../store/index.ts';
import type { ImageRecords } from './records.ts';

/** What every operation on images works with. */
export interface ImageContext {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly native: Pick<NativeApi, 'packLayer' | 'unpackLayer'>;
  readonly registry: Pick<RegistryClient, 'repository'>;
  readonly records: ImageRecords;
  readonly layerBlobs: LayerBlobs;
  readonly sources: BlobSources;
}

/**
 * Runs something that reads or adds content. A collection of garbage needs the same lock for itself alone, so nothing that
 * `work` has just written, and that no record reaches yet, is collected under its feet.
 */
export async function withContent<T>(store: Pick<Store, 'lock'>, work: () => Promise<T>): Promise<T> {
  const lock = await store.lock('gc', { exclusive: false, wait: true });
  try {
    return await work();
  } finally {
    lock?.release();
  }
}
