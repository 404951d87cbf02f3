export { type BlobSources, createBlobSources } from './blob-sources.ts';
export type { ContentStore, Provider } from './content-store.ts';
export { type CopyEvent, type CopyTarget, copyGraph } from './copy-graph.ts';
export { isNotFound } from './errors.ts';
export { createContentStore } from './file-content-store.ts';
export { createLayerBlobs, type LayerBlob, type LayerBlobs } from './layer-blobs.ts';
export { createOciLayout, IMAGE_NAME_ANNOTATION, openOciLayout, REF_NAME_ANNOTATION } from './oci-layout.ts';
export { createStoreTarget } from './store-target.ts';
export type { Fetcher } from './targets.ts';
