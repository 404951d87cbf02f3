export { type BlobSources, createBlobSources } from './blob-sources.ts';
export type { BlobInfo, ContentStore, Ingester, IngestOptions, Provider } from './content-store.ts';
export {
  type CopyEvent,
  type CopyOptions,
  type CopyResult,
  type CopyTarget,
  copyGraph,
} from './copy-graph.ts';
export { isNotFound } from './errors.ts';
export { fetchContent } from './fetch-content.ts';
export { createContentStore } from './file-content-store.ts';
export { createLayerBlobs, type LayerBlob, type LayerBlobs } from './layer-blobs.ts';
export {
  createOciLayout,
  IMAGE_NAME_ANNOTATION,
  type OciLayout,
  openOciLayout,
  REF_NAME_ANNOTATION,
} from './oci-layout.ts';
export { selectPlatforms } from './platform-filter.ts';
export { createStoreTarget } from './store-target.ts';
export type {
  Fetcher,
  Mounter,
  Pusher,
  ReopenableContent,
  Resolver,
  Tagger,
  TransferOptions,
} from './targets.ts';
