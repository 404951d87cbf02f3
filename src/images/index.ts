export { createImageStore } from './store.ts';
export { createTrees } from './trees.ts';
export type * from './types.ts';
