export { createImageStore, type ImageStoreOptions } from './store.ts';
export type * from './types.ts';
