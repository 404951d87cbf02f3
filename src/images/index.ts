export { createTrees } from './layers/trees.ts';
export { createImageStore } from './store.ts';
export type * from './types.ts';
