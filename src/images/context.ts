import type { BlobSources, ContentStore, LayerBlobs } from '../content/index.ts';
import type { NativeApi } from '../native/types.ts';
import type { RegistryClient } from '../registry/types.ts';
import type { Chains } from '../snapshot/chains.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { Store } from '../store/index.ts';
import type { ImageRecords } from './names/records.ts';

/** What every operation on images works with. */
export interface ImageContext {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly native: Pick<NativeApi, 'packLayer' | 'unpackLayer' | 'digestLayer'>;
  readonly registry: Pick<RegistryClient, 'repository'>;
  readonly records: ImageRecords;
  readonly layerBlobs: LayerBlobs;
  readonly sources: BlobSources;
}
